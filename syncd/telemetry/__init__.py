"""What operators see of a running syncd: log lines and metrics."""
