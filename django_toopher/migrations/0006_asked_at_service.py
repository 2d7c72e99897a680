from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_toopher', '0005_limits'),
    ]

    operations = [
        migrations.AddField(
            model_name='toopheraccount',
            name='found_without',
            field=models.DateTimeField(editable=False, help_text='When the service last said, to the day, that there is no second factor to ask, or that it is off.', null=True),
        ),
    ]
