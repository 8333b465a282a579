"""
Billing: invoices, their models and their documents.
"""

from .files import BinaryWriter, Destination
from .invoices import ALL, Billing, InvoiceQuery, Progress
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

__all__ = [
    "ALL",
    "Billing",
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
    "Money",
    "Progress",
    "UnusableLine",
    "UptimeDetail",
    "UptimeLine",
    "VendorConsumptionLine",
]
