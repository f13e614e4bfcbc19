"""What the box's own hardware has to say: buttons, watchdog, updates. The only door to ``firmware_hooks``."""
