"""Drives the sandbox's WeChat side with the independent client wechatpayv3.

Usage: wechatpayv3_client.py PATH_OF_STANDALONE_BINARY
Prints one line per check; exits 1 if any does not hold.
"""

import gzip
import hashlib
import json
import queue
import subprocess
import sys
import threading
import time
import traceback
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import requests
import wechatpayv3.core
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import build_authorization

WAIT_SECONDS = 20
REFUND = "/v3/refund/domestic/refunds"
NATIVE = "/v3/pay/transactions/native"


class Checks:
    """Counts and prints what held and what did not."""

    def __init__(self):
        self.held = 0
        self.failed = 0
        self.part = ""

    def __call__(self, what, holds, seen=""):
        if holds:
            self.held += 1
            print(f"ok    {self.part}: {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {self.part}: {what} -- {seen}", flush=True)

    def raises(self, what, act):
        try:
            seen = act()
        except Exception as error:  # the client raises plain Exception
            self(what, True, error)
        else:
            self(what, False, f"no exception but {seen!r}")


class Notifications:
    """An HTTP server that acknowledges notifications and keeps them by merchant path."""

    def __init__(self):
        received = self.received = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                received.put((dict(self.headers.items()), body.decode("utf-8")))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/notify"

    def next(self):
        headers, body = self.received.get(timeout=WAIT_SECONDS)
        # HTTP header names have no case; the client looks for this spelling.
        return {name.title(): value for name, value in headers.items()}, body


class Sandbox:
    """The sandbox's process and its control endpoints."""

    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.parameters = json.loads(self.process.stdout.readline())
        self.base_url = self.parameters["wechat"]["base_url"]
        self.control_url = self.parameters["control_url"]

    def control(self, path, body):
        response = requests.post(f"{self.control_url}/sandbox/{path}", json=body, timeout=10)
        response.raise_for_status()
        return response

    def pay(self, code_url):
        return self.control("wechat/pay", {"code_url": code_url}).json()

    def fault(self, merchant_id, kind, operation=None):
        self.control(
            "wechat/faults",
            {
                "merchant_id": merchant_id,
                "operation": operation,
                "fault": {"kind": kind},
                "trigger": {"next": 1},
            },
        )

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(timeout=WAIT_SECONDS)


def client_of(sandbox, merchant, notify_url, private_key=None):
    """The independent client, pointed at the sandbox, in the merchant's mode."""
    wechat = sandbox.parameters["wechat"]
    keys = {}
    if merchant["serial_mode"] == "public_key":
        keys["public_key"] = wechat["platform_public_key_pem"]
        keys["public_key_id"] = wechat["platform_public_key_id"]
    download = wechatpayv3.core.Core._init_certificates

    def from_sandbox(core):
        core._gate_way = sandbox.base_url
        download(core)

    # In certificate mode the constructor downloads certificates at once.
    with mock.patch.object(wechatpayv3.core.Core, "_init_certificates", from_sandbox):
        client = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=merchant["merchant_id"],
            private_key=private_key or merchant["private_key_pem"],
            cert_serial_no=merchant["serial_no"],
            appid=merchant["app_id"],
            apiv3_key=merchant["api_v3_key"],
            notify_url=notify_url,
            timeout=(5, 10),
            **keys,
        )
    client._core._gate_way = sandbox.base_url
    return client


def until(act, done):
    """Repeats `act` until its result is `done`, and answers the last result."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        result = act()
        if done(result) or time.monotonic() > end:
            return result
        time.sleep(0.1)


def decoded(answer):
    """Status and JSON of one of the client's answers."""
    status, text = answer
    return status, json.loads(text) if text else None


def payment(check, sandbox, client, notifications, number, fen):
    status, created = decoded(
        client.pay(description="茶, 两杯", out_trade_no=number, amount={"total": fen})
    )
    code_url = (created or {}).get("code_url", "")
    check("native order", status == 200 and code_url.startswith("weixin://"), created)
    status, again = decoded(
        client.pay(description="茶, 两杯", out_trade_no=number, amount={"total": fen})
    )
    check("same order again", (status, again) == (200, created), again)
    status, differing = decoded(
        client.pay(description="茶, 两杯", out_trade_no=number, amount={"total": fen + 1})
    )
    check("same number, other amount", (status, differing["code"]) == (400, "INVALID_REQUEST"), differing)
    status, waiting = decoded(client.query(out_trade_no=number))
    check("query before payment", (status, waiting["trade_state"]) == (200, "NOTPAY"), waiting)

    sandbox.pay(code_url)
    headers, body = notifications.next()
    notice = client.callback(headers, body) or {}
    resource = notice.get("resource", {})
    check("payment notification is verified and decrypted", notice.get("event_type") == "TRANSACTION.SUCCESS", body)
    check("notification states the payment", (resource.get("out_trade_no"), resource.get("trade_state"), resource.get("amount", {}).get("total")) == (number, "SUCCESS", fen), resource)
    check("altered notification is refused", client.callback(headers, body.replace("EV-", "EW-")) is None)

    status, paid = decoded(client.query(out_trade_no=number))
    check("query after payment", status == 200 and paid == resource, paid)
    status, by_id = decoded(client.query(transaction_id=paid["transaction_id"]))
    check("query by transaction id", (status, by_id) == (200, paid), by_id)
    status, refusal = decoded(client.close(number))
    check("close of a paid order", (status, refusal["code"]) == (400, "ORDERPAID"), refusal)
    return paid


def closing(check, client, number):
    client.pay(description="closed", out_trade_no=number, amount={"total": 5})
    check("close", client.close(number)[0] == 204)
    check("close again", client.close(number)[0] == 204)
    status, closed = decoded(client.query(out_trade_no=number))
    check("query after close", (status, closed["trade_state"]) == (200, "CLOSED"), closed)
    status, unknown = decoded(client.query(out_trade_no="neverordered"))
    check("query of an unknown order", (status, unknown["code"]) == (404, "ORDER_NOT_EXIST"), unknown)
    status, unknown = decoded(client.close("neverordered"))
    check("close of an unknown order", (status, unknown["code"]) == (404, "ORDER_NOT_EXIST"), unknown)


def refunding(check, client, notifications, paid, number, fen):
    total = paid["amount"]["total"]
    order = {
        "out_refund_no": number,
        "transaction_id": paid["transaction_id"],
        "amount": {"refund": fen, "total": total, "currency": "CNY"},
    }
    status, accepted = decoded(client.refund(**order))
    check("refund is accepted", (status, accepted["status"]) == (200, "PROCESSING"), accepted)
    status, again = decoded(client.refund(**order))
    check("same refund again", (status, again["refund_id"]) == (200, accepted["refund_id"]), again)
    too_much = dict(order, out_refund_no=number + "x", amount=dict(order["amount"], refund=total))
    status, refusal = decoded(client.refund(**too_much))
    check("refund beyond the order", (status, refusal["code"]) == (400, "INVALID_REQUEST"), refusal)
    headers, body = notifications.next()
    notice = client.callback(headers, body) or {}
    resource = notice.get("resource", {})
    check("refund notification", (notice.get("event_type"), resource.get("out_refund_no"), resource.get("refund_status")) == ("REFUND.SUCCESS", number, "SUCCESS"), notice)
    status, done = until(
        lambda: decoded(client.query_refund(number)), lambda a: a[1].get("status") == "SUCCESS"
    )
    check("refund query", (status, done["status"], done["amount"]["refund"]) == (200, "SUCCESS", fen), done)
    status, unknown = decoded(client.query_refund("never"))
    check("query of an unknown refund", (status, unknown["code"]) == (404, "RESOURCE_NOT_EXISTS"), unknown)
    return done


def read_bill(text):
    """Data lines and summary of a bill as dictionaries by column."""
    lines = text.splitlines()
    split = lambda line: line.removeprefix("`").split(",`")
    columns, summary_columns = lines[0].split(","), lines[-2].split(",")
    rows = [dict(zip(columns, split(line), strict=True)) for line in lines[1:-2]]
    return columns, rows, dict(zip(summary_columns, split(lines[-1]), strict=True))


def bill(check, client, paid, refunded):
    day = paid["success_time"][:10]
    for tar_type in ("GZIP", None):
        how = tar_type or "plain"
        path = f"/v3/bill/tradebill?bill_date={day}" + (f"&tar_type={tar_type}" if tar_type else "")
        status, location = decoded(client._core.request(path))
        check(f"{how} bill is announced", (status, location.get("hash_type")) == (200, "SHA1"), location)
        status, content = client.download_bill(location["download_url"])
        check(f"{how} bill is downloaded", status == 200, content)
        text = gzip.decompress(content) if tar_type else content
        check(f"{how} bill has the announced SHA-1", hashlib.sha1(text).hexdigest() == location["hash_value"])
    columns, rows, summary = read_bill(text.decode("utf-8"))
    check("bill has 27 columns", len(columns) == 27, columns)
    check("every line has a time of the day", all(row["交易时间"].startswith(day) for row in rows), rows)

    total = lambda column: sum(Decimal(row[column]) for row in rows)
    check("number of trades", int(summary["总交易单数"]) == len(rows), summary)
    for column, of_summary in (
        ("应结订单金额", "应结订单总金额"),
        ("退款金额", "退款总金额"),
        ("手续费", "手续费总金额"),
        ("订单金额", "订单总金额"),
        ("申请退款金额", "申请退款总金额"),
    ):
        check(f"lines add up to {of_summary}", total(column) == Decimal(summary[of_summary]), summary)
    payments = [row for row in rows if row["微信订单号"] == paid["transaction_id"] and row["交易状态"] == "SUCCESS"]
    yuan = lambda fen: Decimal(fen) / 100
    check("the payment is in the bill once", len(payments) == 1, rows)
    check("with its amount, goods and fee", [(Decimal(r["应结订单金额"]), r["商品名称"], Decimal(r["手续费"]), r["费率"]) for r in payments] == [(yuan(paid["amount"]["total"]), "茶, 两杯", Decimal("0.06"), "0.60%")], payments)
    if refunded["success_time"][:10] == day:
        refunds = [row for row in rows if row["商户退款单号"] == refunded["out_refund_no"]]
        check("the refund is in the bill once", [(Decimal(r["退款金额"]), r["微信退款单号"]) for r in refunds] == [(yuan(refunded["amount"]["refund"]), refunded["refund_id"])], rows)
    status, refusal = decoded(client._core.request("/v3/bill/tradebill?bill_date=2099-01-01"))
    check("bill of a day to come", (status, refusal["code"]) == (400, "INVALID_REQUEST"), refusal)


def refused_requests(check, sandbox, client, merchant, notify_url):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    if merchant["serial_mode"] == "public_key":
        forger = client_of(sandbox, merchant, notify_url, stranger.decode())
        status, refusal = decoded(forger.query(out_trade_no="order000"))
        detail = refusal.get("detail", {})
        check("wrong merchant key", (status, refusal["code"]) == (401, "SIGN_ERROR"), refusal)
        check("refusal shows what was to be signed", detail.get("sign_information", {}).get("method") == "GET", detail)
    else:
        check.raises("wrong merchant key gets no certificates", lambda: client_of(sandbox, merchant, notify_url, stranger.decode()))

    core = client._core
    body = {"mchid": merchant["merchant_id"]}

    def send(path, signed_body, sent_body):
        authorization = build_authorization(path, "POST", core._mchid, core._cert_serial_no, core._private_key, data=signed_body)
        headers = {"Accept": "application/json", "User-Agent": "conformance", "Authorization": authorization, "Content-Type": "application/json"}
        response = requests.post(sandbox.base_url + path, data=json.dumps(sent_body), headers=headers, timeout=10)
        return response.status_code, response.json().get("code")

    path = "/v3/pay/transactions/out-trade-no/neverordered/close"
    check("honest request by hand", send(path, body, body) == (404, "ORDER_NOT_EXIST"))
    check("altered body", send(path, body, {"mchid": "1900000009"}) == (401, "SIGN_ERROR"))
    for minutes in (-6, 6):
        with mock.patch("wechatpayv3.utils.time.time", return_value=time.time() + 60 * minutes):
            seen = send(path, body, body)
        check(f"timestamp {minutes:+} minutes off", seen == (401, "SIGN_ERROR"), seen)
    with mock.patch("wechatpayv3.utils.time.time", return_value=time.time() - 240):
        seen = send(path, body, body)
    check("timestamp -4 minutes off", seen == (404, "ORDER_NOT_EXIST"), seen)


def faults(check, sandbox, client, notifications, merchant, number):
    merchant_id = merchant["merchant_id"]
    order = lambda: client.pay(description="fault", out_trade_no=number, amount={"total": 700})
    sandbox.fault(merchant_id, "probe_answer", "create_order")
    check.raises("answer with a probing signature is refused", order)
    sandbox.fault(merchant_id, "forged_answer", "create_order")
    check.raises("answer with a forged signature is refused", order)
    sandbox.fault(merchant_id, "drop_after_processing", "create_order")
    check.raises("connection breaks after processing", order)
    sandbox.fault(merchant_id, "rate_limited", "create_order")
    check("too many requests", order()[0] == 429)
    sandbox.fault(merchant_id, "system_error_after_processing", "create_order")
    check("system error", order()[0] == 500)
    status, created = decoded(order())
    check("the order is there nevertheless", status == 200, created)
    sandbox.fault(merchant_id, "duplicate_notification")
    sandbox.pay(created["code_url"])
    notices = [client.callback(*notifications.next()) for _ in range(2)]
    check("a doubled notification has one id", len({notice["id"] for notice in notices}) == 1, notices)


def run(check, sandbox, merchant):
    check.part = merchant["serial_mode"]
    notifications = Notifications()
    client = client_of(sandbox, merchant, notifications.url)
    check("client is set up", True)
    paid = payment(check, sandbox, client, notifications, "order001", 1000)
    closing(check, client, "order002")
    refunded = refunding(check, client, notifications, paid, "refund001", 400)
    refused_requests(check, sandbox, client, merchant, notifications.url)
    faults(check, sandbox, client, notifications, merchant, "order003")
    bill(check, client, paid, refunded)


def main():
    check = Checks()
    sandbox = Sandbox(sys.argv[1])
    try:
        for merchant in sandbox.parameters["demo_merchants"]["wechat"]:
            try:
                run(check, sandbox, merchant)
            except Exception:
                check("runs to its end", False, traceback.format_exc())
    finally:
        check.part = "sandbox"
        check("stops when its input is closed", sandbox.stop() == 0)
    print(f"{check.held} checks held, {check.failed} failed (wechatpayv3 2.0.4)")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
