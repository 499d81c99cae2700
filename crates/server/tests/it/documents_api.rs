//! `/backstay/v1/documents` as clients meet it.

use anyhow::{Context as _, Result};
use backstay_core::{CallContext, RequestId, WorkspaceId};
use backstay_engine::KeyRequest;
use backstay_testing::{Answer, TestClient, TestServer};
use reqwest::{Method, header};
use serde_json::{Value, json};

const PATH: &str = "/backstay/v1/documents";
const HANDBOOK: &str = "# Staff handbook\n\n## Leave\n\nEvery employee has thirty days of leave a year.\n\n\
                        ## Expenses\n\nTrain journeys are paid back within two weeks.\n";
/// Each is a request of its own, so that the server has time between them.
const POLLS_MAX: usize = 20_000;

#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str, hint: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let error = &answer.body["error"];
    assert_eq!(error["code"], code, "{answer:?}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(hint)), "{error}");
}

async fn add(
    client: &TestClient,
    fields: &[(&str, &str)],
    name: &str,
    text: &str,
) -> Result<Answer> {
    client.upload(PATH, fields, (name, text.as_bytes())).await
}

async fn settled(client: &TestClient, id: &Value) -> Result<Value> {
    let path = format!("{PATH}/{}", id.as_str().unwrap_or_default());
    for _ in 0..POLLS_MAX {
        let answer = client.get(&path).await?;
        if matches!(answer.body["status"].as_str(), Some("indexed" | "error")) {
            return Ok(answer.body);
        }
    }
    anyhow::bail!("{path} is not read")
}

#[tokio::test]
async fn a_document_is_uploaded_followed_found_downloaded_and_deleted() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let fields = [("assistant", "hr"), ("metadata", r#"{"year": 2026}"#)];
    let added = add(&client, &fields, "hand \u{e9} book.md", HANDBOOK).await?;
    assert_eq!((added.status.as_u16(), &added.body["known"]), (201, &json!(false)), "{added:?}");
    let id = &added.body["id"];
    let document = settled(&client, id).await?;
    assert_eq!(document["status"], "indexed", "{document}");
    assert_eq!(document["owner"], json!({"of": "assistant", "assistant": "hr"}));
    assert_eq!((&document["metadata"]["year"], &document["chunks"]), (&json!(2026), &json!(2)));
    let summary = "Staff handbook — Every employee has thirty days of leave a year. \
                   Train journeys are paid back within two weeks.";
    assert_eq!((&added.body["summary"], &document["summary"]), (&json!(null), &json!(summary)));
    let again = add(&client, &[("assistant", "hr")], "other.md", HANDBOOK).await?;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (200, id));

    let listed = client.get(&format!("{PATH}?assistant=hr")).await?;
    assert_eq!(listed.body["data"], json!([document]));
    let nothing = client.get(&format!("{PATH}?assistant=it")).await?;
    assert_eq!(nothing.body["data"], json!([]));
    let question = json!({"question": "days of leave", "assistant": "hr", "limit": 1});
    let found = client.post(&format!("{PATH}/search"), &question).await?;
    let passage = &found.body["data"][0];
    assert_eq!((&passage["document"], &passage["place"]), (id, &json!("line 5")), "{found:?}");
    assert_eq!(passage["headings"], json!(["Staff handbook", "Leave"]));
    for other in [json!({"documents": ["doc_other"]}), json!({"assistant": "it"})] {
        let mut elsewhere = question.clone();
        elsewhere
            .as_object_mut()
            .context("an object")?
            .extend(other.as_object().cloned().unwrap_or_default());
        let found = client.post(&format!("{PATH}/search"), &elsewhere).await?;
        assert_eq!(found.body["data"], json!([]), "{elsewhere}");
    }

    let path = format!("{PATH}/{}", id.as_str().context("an id")?);
    let got = client.request(Method::GET, &format!("{path}/content")).send().await?;
    let headers = got.headers().clone();
    assert_eq!(headers[header::CONTENT_TYPE], "text/x-test");
    assert_eq!(headers[header::CONTENT_LENGTH], HANDBOOK.len().to_string());
    let name = "attachment; filename*=UTF-8''hand%20%C3%A9%20book.md";
    assert_eq!(headers[header::CONTENT_DISPOSITION], name);
    assert_eq!(got.text().await?, HANDBOOK);

    let deleted = client.delete(&path).await?;
    assert_eq!(deleted.body["deleted"], true, "{deleted:?}");
    for gone in [client.get(&path).await?, client.delete(&path).await?] {
        assert_error(&gone, 404, "not_found", "there is no document");
    }
    assert_eq!(client.get(&format!("{path}/content")).await?.status.as_u16(), 404);
    server.stop().await
}

#[tokio::test]
async fn a_list_comes_in_pages() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let mut ids = Vec::new();
    for number in 0..3 {
        let added = add(&client, &[], "a.txt", &format!("number {number}")).await?;
        ids.push(added.body["id"].clone());
        server.clock.advance_ms(1);
    }
    let first = client.get(&format!("{PATH}?limit=2")).await?.body;
    let next = first["next"].as_str().context("another page")?;
    let second = client.get(&format!("{PATH}?limit=2&cursor={next}")).await?.body;
    assert_eq!(second["next"], Value::Null);
    let of = |page: &Value| -> Vec<Value> {
        let data = page["data"].as_array().cloned().unwrap_or_default();
        data.into_iter().map(|document| document["id"].clone()).collect()
    };
    ids.reverse();
    assert_eq!([of(&first), of(&second)].concat(), ids);
    server.stop().await
}

#[tokio::test]
async fn a_form_that_is_wrong_is_told_how_and_leaves_nothing_behind() -> Result<()> {
    let server = TestServer::builder().config("[documents]\nfile_bytes_max = 64").start().await?;
    let client = server.member();
    for (fields, name, status, code, hint) in [
        (&[("colour", "red")][..], "a.txt", 400, "invalid_request", "has the fields"),
        (&[("assistant", "")], "a.txt", 400, "invalid_request", "128 characters"),
        (
            &[("assistant", "a"), ("thread", "thr_1")],
            "a.txt",
            400,
            "invalid_request",
            "one of them",
        ),
        (&[("message", "msg_1")], "a.txt", 400, "invalid_request", "thread of the message"),
        (&[("thread", "thr_1"), ("message", "m")], "a.txt", 400, "invalid_request", "of a message"),
        (&[("thread", "thr_1")], "a.txt", 404, "not_found", "no thread thr_1"),
        (&[("thread", "1")], "a.txt", 404, "not_found", "no thread 1"),
        (&[("metadata", "[]")], "a.txt", 400, "invalid_request", "JSON object"),
        (&[], "", 400, "invalid_request", "filename"),
        (&[], "a\tb.txt", 400, "invalid_request", "filename"),
    ] {
        let answer = add(&client, fields, name, "text").await?;
        assert_error(&answer, status, code, hint);
    }
    let answer = add(&client, &[], "a.txt", &"x".repeat(65)).await?;
    assert_error(&answer, 413, "body_too_large", "documents.file_bytes_max");
    let long = "x".repeat(70_000);
    let answer = add(&client, &[("assistant", &long)], "a.txt", "text").await?;
    assert_error(&answer, 413, "body_too_large", "this field");

    let form = |body: &'static str| {
        let request = client.request(Method::POST, PATH);
        request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=x").body(body).send()
    };
    let file =
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ntext\r\n";
    let late = "--x\r\nContent-Disposition: form-data; name=\"assistant\"\r\n\r\nhr\r\n--x--\r\n";
    let late: &'static str = format!("{file}{late}").leak();
    for (body, hint) in [
        ("", "cannot be read"),
        ("--x--\r\n", "no field file"),
        (file, "cannot be read"),
        (late, "last field"),
    ] {
        let response = form(body).await?;
        assert_eq!(response.status().as_u16(), 400, "{body}");
        let text = response.text().await?;
        assert!(text.contains(hint), "{text}");
    }
    let answer = client.post(PATH, &json!({"file": "text"})).await?;
    assert_error(&answer, 400, "invalid_request", "multipart/form-data");
    assert_eq!(client.get(PATH).await?.body["data"], json!([]));
    let folder = |name: &str| server.data().join("documents").join(name);
    assert_eq!(std::fs::read_dir(folder("incoming"))?.count(), 0);
    assert!(!folder("ws_default").exists());
    server.stop().await
}

#[tokio::test]
async fn a_search_that_is_wrong_is_told_how() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    for (body, status, code, hint) in [
        (json!({}), 400, "invalid_request", "question"),
        (json!({"question": " "}), 400, "invalid_request", "1 to"),
        (json!({"question": "a", "limit": 0}), 400, "invalid_request", "1 to 100"),
        (json!({"question": "a", "limit": 101}), 400, "invalid_request", "1 to 100"),
        (json!({"question": "a", "tok_k": 3}), 400, "invalid_request", "tok_k"),
        (json!({"question": "a", "thread": "x"}), 404, "not_found", "no thread x"),
    ] {
        let answer = client.post(&format!("{PATH}/search"), &body).await?;
        assert_error(&answer, status, code, hint);
    }
    let nothing = client.post(&format!("{PATH}/search"), &json!({"question": "a"})).await?;
    assert_eq!((nothing.status.as_u16(), &nothing.body["data"]), (200, &json!([])));
    let wrong = client.get(&format!("{PATH}?cursor=wrong")).await?;
    assert_error(&wrong, 400, "invalid_request", "cursor");
    server.stop().await
}

#[tokio::test]
async fn a_document_of_another_workspace_is_as_unknown_as_one_that_never_was() -> Result<()> {
    let server = TestServer::start().await?;
    let added = add(&server.member(), &[], "a.txt", "the heron nests here").await?;
    settled(&server.member(), &added.body["id"]).await?;
    let other = of_another_workspace(&server).await?;
    let theirs = added.body["id"].as_str().context("an id")?.to_owned();
    for id in [theirs.as_str(), "doc_00000000000000000000000000", "nonsense"] {
        let path = format!("{PATH}/{id}");
        for answer in [
            other.get(&path).await?,
            other.delete(&path).await?,
            other.get(&format!("{path}/content")).await?,
        ] {
            assert_error(&answer, 404, "not_found", &format!("there is no document {id}"));
        }
    }
    assert_eq!(other.get(PATH).await?.body["data"], json!([]));
    for question in
        [json!({"question": "heron"}), json!({"question": "heron", "documents": [theirs]})]
    {
        let found = other.post(&format!("{PATH}/search"), &question).await?;
        assert_eq!(found.body["data"], json!([]));
    }
    let found =
        server.member().post(&format!("{PATH}/search"), &json!({"question": "heron"})).await?;
    assert_eq!(found.body["data"][0]["document"], theirs);
    server.stop().await
}

async fn of_another_workspace(server: &TestServer) -> Result<TestClient> {
    let engine = server.engine();
    let workspace = WorkspaceId::parse("ws_other").context("an id")?;
    engine.store().ensure_workspace(&workspace, "other", engine.clock().now()).await?;
    let key = server.context().await?.key;
    let owner = CallContext::unlimited(workspace, key, RequestId::unknown());
    let request = KeyRequest { name: "there".to_owned(), ..KeyRequest::default() };
    let (_, secret) = engine.create_key(&owner, request).await?;
    Ok(server.stranger().with_key(secret.expose()))
}

#[tokio::test]
async fn a_key_that_only_reads_finds_and_changes_nothing() -> Result<()> {
    let server = TestServer::start().await?;
    let key = server
        .member()
        .post("/backstay/v1/keys", &json!({"name": "r", "scopes": ["read"]}))
        .await?;
    let reader = server.stranger().with_key(key.body["key"].as_str().context("a key")?);
    assert_eq!(reader.get(PATH).await?.status.as_u16(), 200);
    let found = reader.post(&format!("{PATH}/search"), &json!({"question": "a"})).await?;
    assert_eq!(found.status.as_u16(), 200);
    let refused = add(&reader, &[], "a.txt", "text").await?;
    assert_error(&refused, 403, "permission_denied", "memory");
    let refused = reader.delete(&format!("{PATH}/doc_1")).await?;
    assert_error(&refused, 403, "permission_denied", "memory");
    assert_eq!(server.stranger().get(PATH).await?.status.as_u16(), 401);
    server.stop().await
}
