"""Words that show the kind of a sender."""

import unicodedata

import pytest

from mailroom.screener.suggest.words import (
    is_about_receipts,
    is_of_newsletter,
    is_of_program,
    is_of_receipts,
    is_of_several_people,
    plain,
)


@pytest.mark.parametrize(
    "subject",
    [
        "Your order #123 has shipped",
        "RECEIPT for your payment",
        "Rechnung Nr. 5",
        "Ihre Bestellbestätigung",
        "Auftragsbestätigung 7",
        "Votre facture n° 12",
        "Votre reçu",
        "Commande 77 confirmée",
        "Factura electrónica",
        "Tu pedido está en camino",
        "Sua encomenda",
        "Il tuo ordine",
        "Ricevuta di pagamento",
        "Je bestelling is onderweg",
        "Orderbekräftelse",
        "Kvittering for køb",
        "Kuitti ostoksestasi",
        "Zamówienie nr 3",
        "Płatność przyjęta",
        "Objednávka 5",
        "Számla",
        "Comanda ta",
        "Siparişiniz",
        "Ваш заказ",
        "Счёт на оплату",
        "Ваше замовлення",
        "Τιμολόγιο",
        "Pesanan Anda",
        "Hóa đơn",
        "ご注文の確認",
        "您的订单",
        "주문 확인",
        "فاتورة رقم 5",
        "חשבונית מס",
        "ใบเสร็จ",
        "आपका ऑर्डर",
        unicodedata.normalize("NFD", "Bestellbestätigung, Rechnung"),
    ],
)
def test_subject_lines_of_receipts(subject: str) -> None:
    assert is_about_receipts(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Lunch on Friday?",
        "In order to grow",
        "Order now and save",
        "Reordering the warp",
        "Free delivery this weekend",
        "Bestellen Sie jetzt",
        "Commandez maintenant",
        "Versandkostenfrei",
        "Livraison gratuite",
        "Envío gratis",
        "Gratis Versand",
        "Belegte Brote",
        "Ordre du jour",
        "Aretes de plata",
        "Ik ben bezorgd",
        "Expedition to the loom",
        "чекаємо на вас",
    ],
)
def test_other_subject_lines(subject: str) -> None:
    assert not is_about_receipts(subject)


@pytest.mark.parametrize(
    "address",
    [
        *("no-reply@x.example", "noreply+5@x.example", "Do_Not_Reply@x.example"),
        *("auto-confirm@x.example", "notifications@x.example", "mailer-daemon@x.example"),
        *("ne-pas-repondre@x.example", "alerts2@x.example"),
    ],
)
def test_addresses_of_programs(address: str) -> None:
    assert is_of_program(address)


@pytest.mark.parametrize("address", ["ann@noreply.example", "reply@x.example", "jan.bot@x.example"])
def test_addresses_of_people(address: str) -> None:
    assert not is_of_program(address)


def test_addresses_of_other_kinds() -> None:
    assert is_of_newsletter("weekly.digest@x.example")
    assert is_of_receipts("orders-eu@x.example")
    assert is_of_several_people("info@x.example")
    assert not is_of_newsletter("newsome@x.example")
    assert not is_of_receipts("ann@orders.example")
    assert not is_of_several_people("ann@info.example")


def test_plain_text_has_no_case_and_no_accents() -> None:
    assert plain("REÇU Straße") == "recu strasse"
