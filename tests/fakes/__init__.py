"""What tests share: real servers on private ports, and stand-ins with tests of their own."""
