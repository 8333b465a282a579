"""
Invoices, their models and their documents.
"""

from .files import BinaryWriter, Destination, Progress
from .group import Invoices
from .models import (
    ClassicLine,
    CountableDetail,
    CountableLine,
    FreeCredit,
    Invoice,
    InvoiceAddress,
    InvoiceStatus,
    InvoiceSummary,
    Money,
    UnusableLine,
    UptimeDetail,
    UptimeLine,
    VendorConsumptionLine,
)
from .queries import ALL, InvoiceQuery

__all__ = [
    "ALL",
    "BinaryWriter",
    "ClassicLine",
    "CountableDetail",
    "CountableLine",
    "Destination",
    "FreeCredit",
    "Invoice",
    "InvoiceAddress",
    "InvoiceQuery",
    "InvoiceStatus",
    "InvoiceSummary",
    "Invoices",
    "Money",
    "Progress",
    "UnusableLine",
    "UptimeDetail",
    "UptimeLine",
    "VendorConsumptionLine",
]
