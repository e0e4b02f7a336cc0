import json
import tempfile
import unittest
from decimal import Decimal

from shop.prices import with_tax


class PricesTest(unittest.TestCase):
    def test_adds_the_tax(self):
        self.assertEqual(with_tax("100"), Decimal("119.00"))

    def test_rounds_to_cents(self):
        self.assertEqual(with_tax("0.50", 7), Decimal("0.54"))

    def test_can_be_stored(self):
        with tempfile.TemporaryFile("w+") as file:
            json.dump({"price": str(with_tax("10"))}, file)
            file.seek(0)
            self.assertEqual(json.load(file), {"price": "11.90"})


if __name__ == "__main__":
    unittest.main()
