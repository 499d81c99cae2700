//! What the response cache does not keep, and what is not taken from it.

use anyhow::Result;
use backstay_testing::{
    Answer, TestServer,
    sim::{Outcome, RequestRecord},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    budgets::new_key,
    response_cache::{CHAT, WORDS, body, caching, called, status},
};

/// What the reply says of the cache.
fn note(answer: &Answer) -> &Value {
    &answer.body["backstay"]["cache"]
}

#[tokio::test]
async fn what_did_not_end_well_is_not_kept() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    for fault in ["500", "status-400", "error-after-2", "truncate-after-2"] {
        for stream in [false, true] {
            let asked =
                body(json!({"model": format!("openai/sim-echo!{fault}"), "stream": stream}));
            let mut seen = called(&server);
            for _ in 0..2 {
                let response = client.request(Method::POST, CHAT).json(&asked).send().await?;
                let headers = response.headers().clone();
                let text = response.text().await?;
                assert_ne!(status(&headers), "HIT", "{fault} {stream}: {text}");
                assert!(text.contains("error"), "{fault} {stream}: {text}");
                assert!(called(&server) > seen, "{fault} {stream}");
                seen = called(&server);
            }
        }
    }
    server.stop().await
}

#[tokio::test]
async fn an_answer_that_its_client_cut_off_is_not_kept() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    let asked = body(json!({"model": "openai/sim-echo!stall-after-2", "stream": true}));
    let mut response = client.request(Method::POST, CHAT).json(&asked).send().await?;
    assert!(response.chunk().await?.is_some());
    drop(response);
    let left = |seen: &[RequestRecord]| {
        seen.iter().any(|record| record.outcome == Outcome::ClientDisconnected)
    };
    server.sim.wait_for(std::time::Duration::from_secs(10), left).await?;
    let mut again = client.request(Method::POST, CHAT).json(&asked).send().await?;
    assert_eq!(status(again.headers()), "MISS");
    assert!(again.chunk().await?.is_some());
    drop(again);
    server.stop().await
}

#[tokio::test]
async fn an_answer_made_of_memories_or_a_thread_is_not_kept() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let bypass = json!({"status": "bypass", "reason": "memory"});
    client.chat("openai/sim-echo", "The heron nests in April.", json!({"user": "ann"})).await?;
    let question = "When does the heron nest?";
    for _ in 0..2 {
        let before = called(&server);
        let asked = json!({"cache": true, "user": "ann", "memory": "readonly"});
        let answer = client.chat("openai/sim-echo", question, asked).await?;
        assert!(!answer.recalled().is_empty(), "{answer:?}");
        assert_eq!((note(&answer), status(&answer.headers)), (&bypass, "-"));
        assert_eq!(called(&server), before + 1);
    }
    let bob = json!({"cache": true, "user": "bob", "memory": "readonly"});
    for expected in ["miss", "hit"] {
        let answer = client.chat("openai/sim-echo", question, bob.clone()).await?;
        assert_eq!(note(&answer)["status"], expected, "nothing is remembered of Bob: {answer:?}");
    }
    let incognito = json!({"cache": true, "thread": "incognito"});
    let answer = client.chat("openai/sim-echo", question, incognito).await?;
    assert_eq!(note(&answer), &bypass);
    server.stop().await
}

#[tokio::test]
async fn a_hit_is_a_turn_of_its_thread_and_is_forgotten_with_what_it_repeats() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let new = json!({"cache": true, "memory": "off", "thread": "new"});
    let first = client.chat("openai/sim-echo", WORDS, new.clone()).await?;
    let hit = client.chat("openai/sim-echo", WORDS, new.clone()).await?;
    assert_eq!((&note(&first)["status"], &note(&hit)["status"]), (&json!("miss"), &json!("hit")));
    assert_ne!(first.thread(), hit.thread());
    let path = format!("/backstay/v1/threads/{}", hit.thread());
    let messages = client.get(&format!("{path}/messages")).await?.body;
    assert_eq!(messages["data"].as_array().map(Vec::len), Some(2), "{messages}");
    assert!(messages["data"].to_string().contains("\"assistant\""), "{messages}");

    let next = json!({"cache": true, "memory": "off", "thread": hit.thread()});
    let next = client.chat("openai/sim-echo", WORDS, next).await?;
    assert_eq!(note(&next)["status"], "bypass");

    assert_eq!(client.delete(&path).await?.status.as_u16(), 200);
    let again = client.chat("openai/sim-echo", WORDS, new).await?;
    assert_eq!(note(&again)["status"], "miss");
    server.stop().await
}

#[tokio::test]
async fn asking_for_the_cache_alone_asks_for_no_memory() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    client.chat("openai/sim-echo", "The heron nests in April.", json!({"cache": true})).await?;
    assert_eq!(client.get("/backstay/v1/memories").await?.body["data"], json!([]));
    server.stop().await
}

/// An endpoint that keeps nothing.
fn discreet(sim: &str) -> String {
    format!(
        "[[providers]]\nid = \"discreet\"\nformat = \"openai\"\nbase_url = \"{sim}/v1\"\napi_key = \"sk-x\"\n\
         [[providers.models]]\nid = \"sim-echo\"\ndata = {{ trains = false, retains = false }}\n\
         price = {{ prompt = \"0.000001\", completion = \"0.000001\" }}\n"
    )
}

#[tokio::test]
async fn what_nobody_may_retain_is_not_kept() -> Result<()> {
    let server = TestServer::builder().config_for_sim(discreet).start().await?;
    let policy = json!({"name": "discreet", "policy": {"zero_retention": true}});
    let (_, by_policy) = new_key(&server, policy).await?;
    let demanding = json!({"zdr": true});
    for (client, provider) in [(by_policy, json!({})), (server.member(), demanding)] {
        let asked = body(json!({"model": "discreet/sim-echo", "provider": provider,
            "backstay": {"cache": true}}));
        for _ in 0..2 {
            let before = called(&server);
            let answer = client.post(CHAT, &asked).await?;
            let bypass = json!({"status": "bypass", "reason": "zero_retention"});
            assert_eq!(note(&answer), &bypass, "{answer:?}");
            assert_eq!(called(&server), before + 1);
        }
    }
    server.stop().await
}

#[tokio::test]
async fn an_answer_of_an_endpoint_that_is_ruled_out_since_is_not_given() -> Result<()> {
    let server = TestServer::builder().config_for_sim(two_of_one_model).start().await?;
    let (id, client) = new_key(&server, json!({"name": "app"})).await?;
    let asked = body(json!({"model": "acme/m", "provider": {"sort": "price"},
        "backstay": {"cache": true}}));
    for expected in ["miss", "hit"] {
        assert_eq!(note(&client.post(CHAT, &asked).await?)["status"], expected);
    }
    let path = format!("/backstay/v1/keys/{id}");
    let policy = json!({"policy": {"allow_providers": ["dear"]}});
    assert_eq!(server.member().patch(&path, &policy).await?.status.as_u16(), 200);
    let answer = client.post(CHAT, &asked).await?;
    assert_eq!(note(&answer)["status"], "miss");
    let generation = answer.body["backstay"]["generation"].as_str().unwrap();
    let row = server.member().get(&format!("/backstay/v1/generations/{generation}")).await?.body;
    assert_eq!(row["provider"], "dear");
    assert_eq!(note(&client.post(CHAT, &asked).await?)["status"], "hit");
    server.stop().await
}

fn two_of_one_model(sim: &str) -> String {
    let model = |provider: &str, price: u32| {
        format!(
            "[[providers]]\nid = \"{provider}\"\nformat = \"openai\"\nbase_url = \"{sim}/v1\"\napi_key = \"sk-x\"\n\
             [[providers.models]]\nid = \"sim-echo\"\nmodel = \"acme/m\"\n\
             price = {{ prompt = \"0.00000{price}\", completion = \"0.00000{price}\" }}\n"
        )
    };
    model("cheap", 1) + &model("dear", 3)
}
