"""The demo: a street of Kosshy, two boxes, a hub and two agencies on one machine."""
