"""Policies that sites may write."""


def staff_only(user, request):
    return user.is_staff


def by_path(user, request):
    return "strict" in request.GET


def broken(user, request):
    return 1 / 0


def silent(user, request):
    """Forgot to return anything."""


async def eventual(user, request):
    return True


NOT_CALLABLE = "staff_only"
