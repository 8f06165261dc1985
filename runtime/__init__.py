"""Where processes start: settings, command line, Celery, embedded services."""
