"""The console: one page that shows what runs and carries traffic, with buttons for faults."""
