from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_toopher', '0004_support'),
    ]

    operations = [
        migrations.RenameField('toopheraccount', 'recovery_failures', 'failures'),
        migrations.RenameField('toopheraccount', 'recovery_blocked_until', 'blocked_until'),
        migrations.AlterField(
            model_name='toopheraccount',
            name='failures',
            field=models.PositiveSmallIntegerField(default=0, editable=False, help_text='In a row.', verbose_name='wrong codes and passwords'),
        ),
        migrations.AlterField(
            model_name='toopheraccount',
            name='blocked_until',
            field=models.DateTimeField(editable=False, null=True, verbose_name='blocked until'),
        ),
        migrations.AlterField(
            model_name='toopheraccount',
            name='generation',
            field=models.PositiveIntegerField(default=0, editable=False, help_text='Counts changes of the second factor; an attempt, and what a session earned, from before is void.'),
        ),
    ]
