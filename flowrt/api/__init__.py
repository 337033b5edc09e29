"""The HTTP API: one file per resource; `app.create_app` makes the application."""
