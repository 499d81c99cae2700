//! What Bedrock, Azure OpenAI and Vertex AI demand of a caller, over real HTTP.

use crate::support::{Lab, json};
use serde_json::{Value, json};

fn converse(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
}

#[tokio::test]
async fn bedrock_answers_and_checks_what_it_gets() {
    let lab = Lab::start().await;
    let path = "/model/sim-echo/converse";
    let reply = json(lab.post(path, &converse("one two")).send().await.unwrap(), 200).await;
    assert_eq!(reply["output"]["message"]["content"], json!([{"text": "one two"}]));
    assert_eq!(
        (&reply["stopReason"], &reply["usage"]["totalTokens"]),
        (&json!("end_turn"), &json!(4))
    );
    let used = json!({"messages": [
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "t", "content": [{"text": "b"}]}}]}]});
    let mut unclosed = converse("a");
    unclosed["outputConfig"] = json!({"textFormat": {"type": "json_schema", "structure":
        {"jsonSchema": {"schema": "{\"type\":\"object\",\"properties\":{}}"}}}});
    for (bad, said) in [
        (json!({"messages": []}), "must start with a user message"),
        (converse(" "), "blank"),
        (used, "toolConfig field must be defined"),
        (unclosed, "additionalProperties"),
        (
            json!({"model": "x", "messages": [{"role": "user", "content": [{"text": "a"}]}]}),
            "[model]",
        ),
    ] {
        let refused = json(lab.post(path, &bad).send().await.unwrap(), 400).await;
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test]
async fn a_signature_that_is_none_is_refused_with_its_fault() {
    let lab = Lab::start().await;
    let url = format!("{}/model/sim-echo/converse", lab.sim.base_url());
    let scope = "20260301/eu-west-1/bedrock/aws4_request";
    let signed = "SignedHeaders=host;x-amz-date, Signature=00";
    for (authorization, said) in [
        ("AWS4-HMAC-SHA256 nothing".to_owned(), "requires 'Credential'"),
        (format!("AWS4-HMAC-SHA256 Credential=AKIDOTHER/{scope}, {signed}"), "security token"),
        (format!("AWS4-HMAC-SHA256 Credential=AKIDSIMULATOR/{scope}, {signed}"), "does not match"),
        (
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDSIMULATOR/{scope}, SignedHeaders=host, Signature=0"
            ),
            "'x-amz-date' must be a 'SignedHeader'",
        ),
    ] {
        let request = lab.client.post(&url).json(&converse("a"));
        let request = request.header("authorization", authorization);
        let response = request.header("x-amz-date", "20260301T120000Z").send().await.unwrap();
        let refused = json(response, 403).await;
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test]
async fn azure_wants_its_own_header_and_a_version_in_a_deployments_path() {
    let lab = Lab::start().await;
    let body = json!({"messages": [{"role": "user", "content": "one two"}]});
    let call = |path: &str| lab.post(path, &body).header("api-key", "k");
    let path = "/openai/deployments/sim-echo/chat/completions";
    let reply = call(&format!("{path}?api-version=2024-10-21")).send().await.unwrap();
    let reply = json(reply, 200).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "one two");
    let refused = json(call(path).send().await.unwrap(), 400).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("api-version"));
    let refused = json(lab.post(path, &body).send().await.unwrap(), 401).await;
    assert_eq!(refused["error"]["code"], "401");
    let missing = call("/openai/deployments/sim-none/chat/completions?api-version=1");
    let missing = json(missing.send().await.unwrap(), 404).await;
    assert_eq!(missing["error"]["code"], "DeploymentNotFound");

    let text = json!({"input": "one two"});
    let embed = |path: &str| lab.post(path, &text).header("api-key", "k");
    let path = "/openai/deployments/sim-embed/embeddings";
    let made = embed(&format!("{path}?api-version=2024-10-21")).send().await.unwrap();
    assert_eq!(json(made, 200).await["usage"]["prompt_tokens"], 2);
    json(embed(path).send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn vertex_wants_a_token_that_only_a_signed_statement_gets() {
    let lab = Lab::start().await;
    let path = "/v1/projects/p/locations/l/publishers/google/models/sim-echo:generateContent";
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "one"}]}]});
    let refused = json(lab.post(path, &body).send().await.unwrap(), 401).await;
    assert_eq!(refused["error"]["status"], "UNAUTHENTICATED");
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    for form in
        ["grant_type=refresh_token".to_owned(), format!("grant_type={grant}&assertion=e30.e30.AA")]
    {
        let url = format!("{}/token", lab.sim.base_url());
        let refused = json(lab.client.post(url).body(form).send().await.unwrap(), 400).await;
        assert_eq!(refused["error"], "invalid_grant");
    }
    let path = "/v1/projects/p/locations/l/publishers/anthropic/models/sim-echo:rawPredict";
    let body = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "one"}]});
    let request = lab.client.post(format!("{}{path}", lab.sim.base_url())).bearer_auth("ya29.x");
    let refused = json(request.json(&body).send().await.unwrap(), 400).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("anthropic_version"));
}
