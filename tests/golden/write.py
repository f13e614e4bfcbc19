"""Write the golden bytes of the wire. Bytes of an older contract version are never written again."""

from shared.codec import encode
from tests.golden.test_wire_golden import FOLDER, GOLDEN

if __name__ == "__main__":
    for name, message in GOLDEN.items():
        (FOLDER / f"{name}.hex").write_text(f"{encode(message).hex()}\n")
