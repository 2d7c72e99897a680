"""Where a subdomain's addresses lead."""

from django.urls import path

from ..urls import anything
from .test_nobody import urlpatterns as project

urlpatterns = [path("only/there/", anything), path("exempt/", anything), *project]
