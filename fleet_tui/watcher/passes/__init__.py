"""The reconcile passes, one file each. Every pass is idempotent and looks at states, never at edges."""
