//! The native API as its own document describes it.

use anyhow::Result;
use backstay_testing::TestServer;

#[tokio::test]
async fn every_route_of_the_document_refuses_a_stranger_and_none_that_it_names_is_missing()
-> Result<()> {
    let server = TestServer::start().await?;
    let document = server.stranger().get("/backstay/v1/openapi.json").await?.body;
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 5);
    for (path, methods) in paths {
        let path = path.replace("{id}", "thr_0");
        for method in methods.as_object().expect("methods").keys() {
            let method: reqwest::Method = method.to_uppercase().parse()?;
            let answer = server.stranger().request(method.clone(), &path).send().await?;
            assert_eq!(answer.status(), 401, "{method} {path}");
            let body: serde_json::Value = answer.json().await?;
            assert_eq!(body["error"]["code"], "missing_api_key", "{method} {path}");
        }
    }
    server.stop().await
}
