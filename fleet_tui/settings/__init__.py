"""The configuration: schema, layers with positions, hot reload, explanations. See ``docs/configuration.md``."""
