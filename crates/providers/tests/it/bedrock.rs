//! Amazon Bedrock.

use backstay_core::{ErrorCode, Secret, WireFormat, chat::Part};
use backstay_providers::{AuthScheme, AwsKeys, Credential, ModelList, ProviderSpec};
use upstream_sim::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

use crate::support::{Upstream, check_chat, provider, user};

fn keys(secret: &str, session_token: Option<&str>) -> Credential {
    Credential::Aws(AwsKeys {
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret_access_key: Secret::new(secret).unwrap(),
        session_token: session_token.and_then(Secret::new),
        region: "eu-west-1".to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_calls_are_answered_streamed_and_whole() {
    let upstream = Upstream::start().await;
    let spec = upstream.spec(WireFormat::Bedrock, "", keys(SECRET_ACCESS_KEY, None));
    check_chat(&upstream, &provider(spec)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_keys_and_bearer_tokens_are_shown_and_a_wrong_secret_is_refused() {
    let upstream = Upstream::start().await;
    let bearer = Credential::key(AuthScheme::AwsSigv4, Secret::new("bedrock-api-key"));
    for credential in [keys(SECRET_ACCESS_KEY, Some("token/with+signs==")), bearer] {
        let spec = upstream.spec(WireFormat::Bedrock, "", credential);
        let reply = upstream.ask(&provider(spec), "amazon.nova-lite-v1:0", &user("hi")).await;
        assert!(reply.is_ok(), "{reply:?}");
    }
    let spec = upstream.spec(WireFormat::Bedrock, "", keys("wrong-secret", None));
    let error = upstream.ask(&provider(spec), "sim-echo", &user("hi")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamAuthentication);
    assert!(!error.to_string().contains("wrong-secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_thoughts_come_back_and_are_taken_back() {
    let upstream = Upstream::start().await;
    let spec = upstream.spec(WireFormat::Bedrock, "", keys(SECRET_ACCESS_KEY, None));
    let bedrock = provider(spec);
    for stream in [false, true] {
        let mut request = user("hello");
        request.stream = stream;
        let reply = upstream.ask(&bedrock, "sim-think", &request).await.unwrap();
        let message = reply.choices[0].message.clone();
        let Part::Reasoning { text, signature: Some(_), .. } = &message.parts[0] else {
            panic!("no signed thought: {message:?}");
        };
        assert!(text.contains("hello"), "{text}");
        request.messages.push(message);
        request.messages.push(user("and again").messages.remove(1));
        upstream.ask(&bedrock, "sim-think", &request).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_models_is_signed_for_too() {
    let upstream = Upstream::start().await;
    let models = ModelList::At(format!("{}/foundation-models", upstream.sim.base_url()));
    let spec = upstream.spec(WireFormat::Bedrock, "", keys(SECRET_ACCESS_KEY, None));
    let bedrock = provider(ProviderSpec { models, ..spec });
    let listed = upstream.upstreams.list_models(&bedrock).await.unwrap();
    assert!(listed.iter().any(|model| model.id == "sim-echo"));
}
