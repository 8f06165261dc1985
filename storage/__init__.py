"""PostgreSQL with or without TimescaleDB, and the media store: the only place that speaks SQL."""
