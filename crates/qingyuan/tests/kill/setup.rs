//! Merchants, accounts and keys before the load begins.

use crate::checks;
use crate::load::{CHECKER, FINANCE, LEDGER, MERCHANT_KEYS, OPERATOR};
use crate::support::api_key;
use crate::support::http::{Answer, Call, Client};
use crate::support::process::{Serving, program, text, write};
use engine::runtime::{Engine, SimulatedClock};
use engine::store::StoreFactory;
use engine::{Actor, CacheLimits, Envelope, ShardCode, ShardOptions, Vault};
use serde_json::{Value, json};
use server::{ApiKeyConfig, Role};
use std::path::Path;
use std::sync::Arc;

const SETTINGS: &str = "settings.toml";
/// The key of every book's vault.
const VAULT_KEY: [u8; 32] = [7; 32];

/// Begins a shard two months ago, so that its date can be turned many times today.
pub async fn begin(store: Arc<dyn StoreFactory>, shard: ShardCode) {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(60 * 24);
    let options = ShardOptions {
        shard,
        first_business_date: calendar::shanghai_date(then),
        limits: CacheLimits::default(),
        sweep_min: 2_048,
    };
    let app = Arc::new(domain::QingyuanApp::sample().unwrap());
    let vault = Arc::new(Vault::new(&VAULT_KEY).unwrap());
    let clock = Arc::new(SimulatedClock::at(then));
    let opened =
        tokio::task::spawn_blocking(move || Engine::start(app, store, vault, clock, options));
    let running = opened.await.unwrap().unwrap();
    let set_up = domain::Request::SetUp(domain::QingyuanApp::sample().unwrap().set_up());
    let envelope = Envelope::new(Actor::system(), domain::Command::Request(set_up));
    running.engine.submit(envelope).await.unwrap();
    tokio::task::spawn_blocking(move || running.stop())
        .await
        .unwrap();
}

/// Writes the vault's key where a server looks for it.
pub fn write_vault_key(data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    write(data, "vault.key", &hex::encode(VAULT_KEY));
}

/// Starts a server over a book, with the settings and channels of the run.
pub fn serve(directory: &Path, bind: &str, book: &[&str]) -> Serving {
    let file = |name: &str| directory.join(name);
    let (settings, channels) = (file(SETTINGS), file("channels.toml"));
    let rest = [
        "--config",
        text(&settings),
        "--channels",
        text(&channels),
        "--bind",
        bind,
    ];
    let mut program = program();
    // Shards that end because another server has them are warnings.
    // Which server writes which shard is said, too.
    program.env("RUST_LOG", "warn,server::book=info");
    Serving::start_with(program, &[book, &rest[..]].concat(), &file("server.log"))
        .unwrap_or_else(|failed| panic!("{failed}"))
}

/// Writes the settings, with everybody's keys, where [`serve`] looks for them.
pub fn write_settings(directory: &Path, merchants: &[String]) {
    let mut keys = vec![
        ApiKeyConfig::of_token("operator", OPERATOR, "li.na", Role::Operator),
        ApiKeyConfig::of_token("finance", FINANCE, "fang", Role::Finance),
        ApiKeyConfig::of_token("checker", CHECKER, "zhao", Role::Finance),
        ApiKeyConfig::of_token("ledger", LEDGER, "wallet", Role::Ledger),
    ];
    for (token, merchant) in MERCHANT_KEYS.iter().zip(merchants) {
        let key = ApiKeyConfig::of_token(token, token, token, Role::Merchant);
        keys.push(key.for_merchant(merchant));
    }
    // The load asks in the merchants' names with their keys.
    let mut text = String::from("merchant_bearer = true\n");
    for key in keys {
        text += &api_key(&key);
        if let Some(merchant) = key.merchant {
            text += &format!("merchant = \"{merchant}\"\n");
        }
    }
    text += "[institution]\nkind = \"npi\"\nlicences = [\"internet_payment\", \"card_acquiring\"]\n\
        acquiring_regions = [\"shanghai\"]\nbranches = [\"shanghai\"]\n\
        [institution.routes]\nwechat = [\"npi\", \"nucc\", \"npi_wallet\"]\nunionpay = [\"npi\", \"unionpay\", \"bank\"]\n";
    // This runs by the real clock: trade at night would be held, and its payouts would never end.
    text += "[risk]\nenabled = false\n";
    write(directory, SETTINGS, &text);
}

async fn create(
    client: &Client,
    token: &'static str,
    path: &str,
    key: &str,
    body: Value,
) -> Answer {
    let call = Call {
        token,
        path: path.into(),
        key: key.into(),
        body,
    };
    let (answer, _) = client.post_until_answered(&call).await;
    assert!(answer.accepted(), "{answer:?}");
    answer
}

/// The three merchants of a group.
pub async fn merchants(client: &Client, number: usize, group: Option<&str>) -> Vec<String> {
    let mut merchants = Vec::new();
    for (name, automatic_payout) in [("shop", false), ("stall", false), ("market", true)] {
        let name = format!("{name}-{number}");
        merchants.push(merchant(client, &name, group, automatic_payout).await);
    }
    merchants
}

/// Every merchant's: a payout that an operator asks for to another would need a second person.
pub fn account_on_file() -> Value {
    json!({"account_number": "6222020200112230001", "holder": "清源书店", "owner": "merchant"})
}

async fn merchant(
    client: &Client,
    name: &str,
    group: Option<&str>,
    automatic_payout: bool,
) -> String {
    let body = json!({
        "external_number": name,
        "name": name,
        "group": group,
        "fee_schedule": {"rate": 6_000, "min": 1},
        "refund_returns_fee": true,
        "settlement_cycle": "D+1",
        "automatic_payout": automatic_payout,
        "settlement_account": account_on_file(),
        "split_share_max": 300_000,
        "profile": domain::merchant::Profile::ordinary(),
    });
    let answer = create(client, OPERATOR, "/v1/merchants", name, body).await;
    answer.text("id").to_owned()
}

/// Twenty accounts with 100 yuan each and one that may be overdrawn, out of which they were filled.
pub async fn accounts(client: &Client, number: usize, group: Option<&str>) -> Vec<u64> {
    let account = |wallet: u64| {
        json!({"code": format!("wallet:{number}:{wallet}"), "kind": "liability", "currency": "CNY",
            "may_go_negative": wallet == 0})
    };
    let accounts = (0..=20).map(account).collect::<Vec<_>>();
    let body = json!({"accounts": accounts, "group": group});
    let key = format!("accounts-{number}");
    let answer = create(client, LEDGER, "/v1/accounts/batch", &key, body).await;
    let opened = answer.body["accounts"].as_array().unwrap();
    let numbers: Vec<u64> = opened
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect();
    let fill = |(account, id): (&u64, u128)| {
        json!([
            engine::ids::id_text(id),
            numbers[0],
            account,
            10_000,
            checks::FILLING
        ])
    };
    let transfers: Vec<Value> = numbers[1..]
        .iter()
        .zip(1 + 100 * number as u128..)
        .map(fill)
        .collect();
    let body = json!({"currency": "CNY", "linked": true, "transfers": transfers});
    let key = format!("fill-{number}");
    create(client, LEDGER, "/v1/transfers/batch", &key, body).await;
    numbers
}
