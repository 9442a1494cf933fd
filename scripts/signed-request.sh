#!/bin/sh
# Takes an order as a merchant does: makes a key, has it added, signs a request and sends it.
# Needs curl and OpenSSL 3, and in the environment URL, OPERATOR_KEY, FINANCE_KEY and MERCHANT (mch_…).
set -eu
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT

# Once: a key pair; the private key never leaves the merchant.
openssl genpkey -algorithm ed25519 -out "$dir/key.pem"
public=$(openssl pkey -in "$dir/key.pem" -pubout -outform DER | openssl base64 -A)
proposal=$(curl -sS "$URL/v1/merchants/$MERCHANT/keys" -H "Authorization: Bearer $OPERATOR_KEY" \
    -H 'Content-Type: application/json' \
    -d "{\"name\": \"checkout\", \"algorithm\": \"ed25519\", \"public_key\": \"$public\"}" |
    sed 's/.*"proposal":"\(prp_[^"]*\)".*/\1/')

# Once: a second person lets it in; the newest key is then the first of the list.
curl -sS -X POST "$URL/v1/proposals/$proposal/approve" -H "Authorization: Bearer $FINANCE_KEY" \
    -H "Idempotency-Key: $proposal" >"$dir/approved"
keyid=$(curl -sS "$URL/v1/merchants/$MERCHANT/keys" -H "Authorization: Bearer $OPERATOR_KEY" |
    sed 's/[^}]*"id":"\(key_[^"]*\)".*/\1/')

# For each request: the body's digest, the lines that are signed, the signature.
path=/v1/payments
idempotency=order-${NUMBER:=A-1001}
printf '{"order_number": "%s", "amount": {"amount": 9900, "currency": "CNY"}, "channel": "wechat", "description": "两本书"}' \
    "$NUMBER" >"$dir/body"
digest="sha-256=:$(openssl dgst -sha256 -binary "$dir/body" | openssl base64 -A):"
covered='("@method" "@path" "content-digest" "idempotency-key")'
parameters="$covered;created=${CREATED:-$(date +%s)};keyid=\"$keyid\""
printf '"@method": POST\n"@path": %s\n"content-digest": %s\n"idempotency-key": %s\n"@signature-params": %s' \
    "$path" "$digest" "$idempotency" "$parameters" >"$dir/base"
signature=$(openssl pkeyutl -sign -rawin -inkey "$dir/key.pem" -in "$dir/base" | openssl base64 -A)

curl -sS "$URL$path" --data-binary "@$dir/body" -H 'Content-Type: application/json' \
    -H "Idempotency-Key: $idempotency" -H "Content-Digest: $digest" \
    -H "Signature-Input: sig=$parameters" -H "Signature: sig=:$signature:"
echo
