#!/usr/bin/env python3
"""Django's command line for the server. `manage.py up` is what `make run` calls."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mesh.settings")
    from django.core.management import execute_from_command_line

    from mesh.home import HomeError

    try:
        execute_from_command_line(sys.argv)
    except HomeError as error:
        sys.exit(f"mesh: {error}")
