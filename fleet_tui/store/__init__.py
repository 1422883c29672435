"""The event log and its tables in SQLite: one writer, any number of readers. The only user of peewee."""
