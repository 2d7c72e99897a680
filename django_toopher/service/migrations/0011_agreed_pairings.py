import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('toopher_service', '0010_withheld'),
    ]

    operations = [
        migrations.AddField(
            model_name='authenticationrequest',
            name='asked_pairing',
            field=models.ForeignKey(editable=False, help_text='The one phone that is asked, before the site has confirmed it (SECURITY.md S39); none: all.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='toopher_service.pairing'),
        ),
        migrations.AddField(
            model_name='pairing',
            name='site_confirms',
            field=models.BooleanField(default=False, editable=False, help_text="After the phone's yes it is for the site to enable it (SECURITY.md S39)."),
        ),
        migrations.AlterField(
            model_name='pairing',
            name='state',
            field=models.CharField(choices=[('pending', 'waiting for a yes on the phone'), ('agreed', 'waiting for the site'), ('enabled', 'enabled'), ('denied', 'denied'), ('deactivated', 'removed')], default='pending', max_length=12, verbose_name='state'),
        ),
    ]
