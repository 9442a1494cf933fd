//! Rule packs over several shards and servers.

use crate::rig::{CHECKER, FINANCE, OPERATOR, SHARDS, Shared};
use serde_json::json;

#[tokio::test]
async fn two_people_change_the_rules_of_all_shards_through_any_server() {
    let shared = Shared::new();
    let first = shared.server("one").await;
    shared.until_held("one", SHARDS).await;
    let second = shared.server("two").await;
    first.until_ready().await;
    second.until_ready().await;

    let sets = first.get("/v1/rules/packs", OPERATOR).await.expect(200);
    let before = &sets["items"][0];
    assert_eq!(before["active"].as_array().unwrap().len(), SHARDS);
    let base = before["hash"].as_str().unwrap();
    let (name, text) = compliance::EMBEDDED[0];
    let body =
        json!({"base": base, "packs": [{"name": name, "text": format!("{text}\n# amended\n")}]});
    let stored = second
        .post("/v1/rules/packs", OPERATOR, body)
        .await
        .expect(201);
    let wanted = json!({"packs": stored["hash"]});

    let path = "/v1/rules/activations";
    let asked = first.post(path, FINANCE, wanted.clone()).await.expect(202);
    let proposals = asked["proposals"].as_array().unwrap().clone();
    assert_eq!(proposals.len(), SHARDS);
    // One shard is done by its own proposal; the second person's request does the rest.
    let one = proposals[1].as_str().unwrap();
    let approve = format!("/v1/proposals/{one}/approve");
    second.post(&approve, CHECKER, json!({})).await.expect(200);
    let done = second.post(path, CHECKER, wanted).await.expect(200);
    assert_eq!(done["active"].as_array().unwrap().len(), SHARDS);

    for server in [&first, &second] {
        let sets = server.get("/v1/rules/packs", FINANCE).await.expect(200);
        let active = |hash: &serde_json::Value| {
            let items = sets["items"].as_array().unwrap();
            let set = items.iter().find(|set| set["hash"] == *hash).unwrap();
            set["active"].as_array().unwrap().len()
        };
        assert_eq!(active(&json!(base)), 0);
        assert_eq!(active(&stored["hash"]), SHARDS);
    }
    // Whatever shard a merchant comes to, it is decided by the new set.
    for (number, group) in ["a", "b", "c", "d", "e"].iter().enumerate() {
        let id = first.merchant(&format!("m-{number}"), Some(group)).await;
        let shown = second.get(&format!("/v1/merchants/{id}"), OPERATOR).await;
        let shown = shown.expect(200);
        assert_eq!(shown["decision"]["rules"]["packs"], stored["hash"]);
    }
    first.stop().await;
    second.stop().await;
}
