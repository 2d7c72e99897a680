"""The authenticator: its web app, and its API below ``v1/``."""

from django.urls import path

from . import views, webapp

urlpatterns = [
    path("", webapp.PhoneView.as_view(), name="phone"),
    path("manifest.webmanifest", webapp.ManifestView.as_view(), name="phone-manifest"),
    path("sw.js", webapp.ServiceWorkerView.as_view(), name="phone-sw"),
    path("v1/register", views.RegisterView.as_view()),
    path("v1/phrase", views.PhraseView.as_view()),
    path("v1/offer", views.OfferView.as_view()),
    path("v1/pair", views.PairView.as_view()),
    path("v1/pending", views.PendingView.as_view()),
    path("v1/answer", views.AnswerView.as_view()),
    path("v1/report", views.ReportView.as_view()),
    path("v1/extend", views.ExtendView.as_view()),
    path("v1/automations", views.AutomationsView.as_view()),
    path("v1/automation-remove", views.AutomationRemoveView.as_view()),
    path("v1/pairings", views.PairingsView.as_view()),
    path("v1/remove", views.RemoveView.as_view()),
    path("v1/push", views.PushView.as_view()),
    path("v1/push-remove", views.PushRemoveView.as_view()),
]
