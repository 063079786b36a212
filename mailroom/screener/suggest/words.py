"""Words that show the kind of a sender: in subject lines and in addresses."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

_RECEIPT_BEGINNINGS: Final = {
    "en": (
        r"(?<!in )orders?\b(?! (?:now|today|by|before|online|yours)\b)",
        *("receipt", "invoice", "payment", "purchase", "refund", "shipped", "shipment"),
        *("dispatched", r"(?<!free )delivery\b", "tracking number", "booking", "e-?ticket"),
        *("your bill", "your statement", "your package", "your parcel", "your reservation"),
    ),
    "de": (
        *("rechnung", "bestell(?!en )", "auftragsbestatigung", "quittung", "zahlung", "buchung"),
        *(r"(?<!kostenlose )lieferung", r"(?<!gratis )versand(?!kosten)", r"belege?\b"),
        *(
            "gutschrift",
            "lieferschein",
            "kassenbon",
            "sendungs",
            "(?:deine?|ihre?) (?:sendung|paket)",
        ),
    ),
    "fr": (
        *("facture", "commande(?!z)", "paiement", r"livraison(?! (?:gratuite|offerte))", "colis"),
        *("remboursement", "reservation", "votre recu", "recu de", "votre achat"),
    ),
    "es": (
        *(
            "factura",
            "pedido",
            "recibo",
            "tu compra",
            "su compra",
            r"pagos?\b",
            "reembolso",
            "reserva",
        ),
        r"envio(?! gratis)",
    ),
    "pt": ("fatura", "encomenda", "pagamento", "nota fiscal", "sua compra", "reembolso"),
    "it": (
        *("fattura", "ordine", "ricevuta", "pagamento", r"spedizione(?! gratuita)", "scontrino"),
        *("il tuo acquisto", "rimborso", "prenotazione", "bolletta"),
    ),
    "nl": (
        "factuur",
        "bestelling",
        "betaling",
        r"bezorg(?!d\b)",
        "je pakket",
        "uw pakket",
        "aankoop",
    ),
    "sv": ("kvitto", "faktura", "bestallning", "orderbekraftelse", "betalning", "leverans"),
    "da, nb": ("kvittering", "bestilling", "ordrebekreft", "din ordre", "betaling", "levering"),
    "fi": ("tilausvahvistus", "tilauksesi", "lasku", "kuitti", "maksu(?!ton)", "toimitus"),
    "pl": ("zamowieni", "paragon", "płatnosc", "rachunek", "przesyłk"),
    "cs, sk": ("objednav", "uctenk", "platba", "zasilk"),
    "hu": ("szamla", "rendeles", "nyugta", "fizetes"),
    "ro": ("comanda", "comenzi", "chitanta"),
    "tr": ("siparis", "makbuz", "odeme", "kargo"),
    "ru": ("заказ", r"чек\b", r"счет\b", "квитанци", "оплат", "доставк"),
    "uk": ("замовлен", "рахунок", "квитанці"),
    "el": ("παραγγελια", "τιμολογιο", "αποδειξη", "πληρωμη"),
    "id": ("pesanan", "faktur", "kwitansi", "tagihan", "pembayaran"),
    "vi": ("đơn hang", "hoa đơn"),
}
"""Beginnings of words in subject lines of receipts, by language. Each is a regular expression for a
text that :func:`plain` returned."""
_RECEIPT_PARTS: Final = {
    "ja": ("注文", "領収", "請求", "購入", "発送"),
    "zh": ("订单", "訂單", "发票", "發票", "收据", "收據", "账单", "賬單"),
    "ko": ("주문", "영수증", "결제", "청구"),
    "ar": ("فاتورة", "طلبك", "إيصال"),
    "he": ("חשבונית", "קבלה"),
    "th": ("คำสั่งซื้อ", "ใบเสร็จ"),
    "hi": ("ऑर्डर", "चालान"),
}
"""Parts of subject lines of receipts, for languages that write words without blanks between them,
or with letters before the word."""

_OF_PROGRAMS: Final = frozenset(
    {
        *("noreply", "donotreply", "nepasrepondre", "keineantwort", "noresponder", "naoresponda"),
        *("nonrispondere", "notification", "notifications", "notify", "alert", "alerts", "bounce"),
        *("bounces", "mailer", "mailerdaemon", "automail", "autoconfirm", "system", "reminder"),
        *("reminders", "benachrichtigung", "benachrichtigungen", "robot", "daemon"),
    }
)
_OF_NEWSLETTERS: Final = frozenset(
    {
        *("newsletter", "newsletters", "news", "digest", "updates", "marketing", "promo"),
        *("promotions", "offers", "angebote", "infolettre", "boletin", "nieuwsbrief"),
    }
)
_OF_RECEIPTS: Final = frozenset(
    {
        *("receipt", "receipts", "order", "orders", "invoice", "invoices", "billing", "payments"),
        *("rechnung", "rechnungen", "bestellung", "bestellungen", "facture", "factures"),
        *("commande", "commandes", "factura", "facturas", "facturacion", "pedido", "pedidos"),
        *("fattura", "fatture", "ordini", "faktura", "factuur", "shipping", "tracking"),
    }
)
_OF_SEVERAL_PEOPLE: Final = frozenset(
    {
        *("info", "support", "contact", "kontakt", "contacto", "office", "buero", "sales", "team"),
        *("help", "hello", "hallo", "service", "kundenservice", "servicio", "admin", "hr", "jobs"),
        *("press", "reception", "empfang", "praxis", "booking", "bookings"),
    }
)


def plain(text: str) -> str:
    """Return a text without letter case and accents, the form of all words of this module."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


_BEGINNINGS: Final = "|".join(word for words in _RECEIPT_BEGINNINGS.values() for word in words)
_PARTS: Final = "|".join(word for words in _RECEIPT_PARTS.values() for word in words)
_RECEIPT: Final = re.compile(rf"\b(?:{plain(_BEGINNINGS)})|{plain(_PARTS)}")


def is_about_receipts(subject_line: str) -> bool:
    """Return True if a subject line speaks of an order, an invoice, a payment or a delivery."""
    return _RECEIPT.search(plain(subject_line)) is not None


def is_of_program(address: str) -> bool:
    """Return True if an address is one of programs, such as ``no-reply@``."""
    return _has_word(address, _OF_PROGRAMS)


def is_of_newsletter(address: str) -> bool:
    """Return True if an address is one of newsletters, such as ``news@``."""
    return _has_word(address, _OF_NEWSLETTERS)


def is_of_receipts(address: str) -> bool:
    """Return True if an address is one of receipts, such as ``orders@``."""
    return _has_word(address, _OF_RECEIPTS)


def is_of_several_people(address: str) -> bool:
    """Return True if an address is one that several people answer, such as ``info@``."""
    return _has_word(address, _OF_SEVERAL_PEOPLE)


def _has_word(address: str, words: Collection[str]) -> bool:
    """Return True if the local part has one of the words; ``no-reply`` has ``noreply``."""
    parts = [part for part in re.split(r"[\W\d_]+", plain(address.rpartition("@")[0])) if part]
    joined = [
        "".join(parts[start : start + size]) for size in (2, 3) for start in range(len(parts))
    ]
    return not {*parts, *joined}.isdisjoint(words)
