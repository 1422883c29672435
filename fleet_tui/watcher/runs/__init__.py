"""The life of a run: queued, admitted, started, told, watched, metered, ended, replaced, restored."""
