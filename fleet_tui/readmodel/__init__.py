"""What a screen needs, as frozen values: queries over the store, the needs-you queue, the event filter, the feed."""
