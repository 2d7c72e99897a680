"""The club's forms."""

from django import forms

PAYEES = ("Bob", "the boat fund", "Ines, for new oars")


class PaymentForm(forms.Form):
    """Whom to pay, and how much."""

    payee = forms.ChoiceField(choices=[(payee, payee) for payee in PAYEES], label="To whom")
    amount = forms.IntegerField(min_value=1, max_value=5000, initial=300, label="Euros")
    receipt = forms.FileField(required=False, label="Receipt, if there is one")

    def in_words(self) -> str:
        """What is about to happen, for people."""
        self.full_clean()
        return f"Pay {self.cleaned_data['amount']} € to {self.cleaned_data['payee']}"
