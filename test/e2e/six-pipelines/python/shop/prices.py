from decimal import ROUND_HALF_UP, Decimal


def with_tax(net: str, percent: int = 19) -> Decimal:
    """The price with the tax, rounded to cents."""
    gross = Decimal(net) * (100 + percent) / 100
    return gross.quantize(Decimal("0.01"), ROUND_HALF_UP)
