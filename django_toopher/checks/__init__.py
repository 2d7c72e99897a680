"""System checks of the app: for each mistake one with a hint. Ids are permanent."""

from . import configuration, deployment, mounting, project, ways_in

__all__ = ["configuration", "deployment", "mounting", "project", "ways_in"]
