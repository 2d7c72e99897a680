"""The published client ``toopher`` 1.0.5, driven by another process. Runs under Python 2.7, where it lives.

Each line of input is ``[method, arguments, extras]`` in JSON. Each line of output tells what the client's user then has
in hand: the attributes, ``if status:``, and fields of the service's reply that 1.0.5 hands on without knowing them.
"""

import json
import sys

import toopher


def sendable(given):
    """Text as bytes: what 1.0.5 can put into a form."""
    return given.encode("utf-8") if hasattr(given, "encode") else given


def told(status, further):
    public = {name: value for name, value in vars(status).items() if not name.startswith("_")}
    return dict(public, is_true=bool(status), **{name: getattr(status, name) for name in further})


FURTHER = {"authenticate": ["number"], "get_authentication_status": ["number"]}

api = toopher.ToopherApi(*sys.argv[1:])
for line in iter(sys.stdin.readline, ""):
    method, arguments, extras = json.loads(line)
    extras = {str(name): sendable(value) for name, value in extras.items()}
    try:
        status = getattr(api, method)(*[sendable(argument) for argument in arguments], **extras)
        reply = told(status, FURTHER.get(method, []))
    except toopher.ToopherApiError as error:
        reply = {"error": str(error)}
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
