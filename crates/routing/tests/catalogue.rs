//! What the catalogue makes of its sources. Lists are given as a start finds them in the store.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

use std::sync::Arc;

use backstay_core::{DataPolicy, ErrorCode, WireFormat};
use backstay_providers::Provider;
use backstay_routing::{
    Catalogue, ConfiguredModel, CurrentPrice, ModelQuery, ModelSort, PriceSource, Route,
};
use serde_json::{Value, json};

fn provider(id: &str) -> Provider {
    Provider::http(id, id, WireFormat::OpenAi, "http://127.0.0.1:9/v1", None).unwrap()
}

fn aggregator(id: &str) -> Provider {
    Provider { is_aggregator: true, ..provider(id) }
}

fn configured(json: Value) -> ConfiguredModel {
    serde_json::from_value(json).unwrap()
}

fn catalogue(providers: Vec<Provider>, models: Vec<(&str, ConfiguredModel)>) -> Catalogue {
    let models = models.into_iter().map(|(provider, model)| (provider.to_owned(), model));
    let providers = providers.into_iter().map(Arc::new).collect();
    Catalogue::new(providers, models.collect(), Vec::new()).unwrap()
}

fn price(prompt: &str, completion: &str) -> Value {
    json!({"prompt": prompt, "completion": completion})
}

/// A list as it is kept, taken on 2026-03-01.
fn list(models: &[Value]) -> Value {
    json!({"taken_at": "2026-03-01T00:00:00Z", "models": models})
}

fn restore(catalogue: &Catalogue, lists: &[(&str, Value)]) {
    let lists = lists.iter().map(|(provider, list)| ((*provider).to_owned(), list.to_string()));
    catalogue.restore_lists(lists.collect());
}

fn names(catalogue: &Catalogue, model: &str) -> Vec<String> {
    catalogue
        .resolve(model)
        .unwrap()
        .endpoints
        .iter()
        .map(backstay_routing::Endpoint::name)
        .collect()
}

fn price_of(catalogue: &Catalogue, endpoint: &str) -> CurrentPrice {
    catalogue.prices().into_iter().find(|price| price.endpoint == endpoint).unwrap()
}

fn source(name: &str, as_of: Option<&str>) -> Option<PriceSource> {
    Some(PriceSource { name: name.to_owned(), as_of: as_of.map(str::to_owned) })
}

#[test]
fn without_any_list_the_shipped_catalogue_tells_models_and_prices() {
    let catalogue = catalogue(vec![provider("groq")], vec![]);
    let endpoints = catalogue.resolve("openai/gpt-oss-120b").unwrap().endpoints;
    assert_eq!(endpoints[0].name(), "groq/openai/gpt-oss-120b");
    assert!(endpoints[0].price().is_some() && endpoints[0].facts.context_length.is_some());
    let source = price_of(&catalogue, "groq/openai/gpt-oss-120b").source.unwrap();
    assert!(source.as_of.is_some_and(|day| day.starts_with("2026-")), "{}", source.name);
}

#[test]
fn a_source_that_is_trusted_more_wins_and_the_rest_fills_in() {
    let model = configured(json!({"id": "m", "model": "acme/large", "price": price("1", "2")}));
    let catalogue = catalogue(
        vec![provider("groq"), provider("xai"), aggregator("openrouter")],
        vec![("groq", model)],
    );
    let facts = json!({"price": price("5", "5"), "context_length": 1_000, "tokenizer": "GPT"});
    let aggregated = json!({
        "taken_at": "2026-03-02T00:00:00Z",
        "models": [{"id": "acme/large", "facts": facts}],
        "offers": {"acme/large": {"taken_at": "2026-03-02T00:00:00Z", "endpoints": [
            {"tag": "xai", "facts": {"price": price("3", "4"), "context_length": 500}},
            {"tag": "groq", "facts": {"price": price("9", "9"), "context_length": 200}},
        ]}},
    });
    let own = list(&[json!({"id": "large", "facts": {"price": price("7", "7")}})]);
    restore(&catalogue, &[("openrouter", aggregated), ("xai", own)]);

    let configured = price_of(&catalogue, "groq/m");
    assert_eq!(configured.source, source("configuration", None));
    assert_eq!(configured.price.unwrap().completion.to_string(), "2");
    let offered = price_of(&catalogue, "xai/large");
    assert_eq!(offered.source, source("openrouter", Some("2026-03-02")));
    assert_eq!(offered.price.unwrap().completion.to_string(), "4");

    let endpoints = catalogue.resolve("acme/large").unwrap().endpoints;
    let names: Vec<String> = endpoints.iter().map(|endpoint| endpoint.name()).collect();
    assert_eq!(names, ["groq/m", "xai/large", "openrouter/acme/large"]);
    let lengths: Vec<_> = endpoints.iter().map(|endpoint| endpoint.facts.context_length).collect();
    assert_eq!(lengths, [Some(200), Some(500), Some(1_000)]);
    assert!(endpoints.iter().all(|endpoint| endpoint.facts.tokenizer.as_deref() == Some("GPT")));
}

#[test]
fn what_is_known_of_a_model_elsewhere_never_becomes_a_price() {
    let catalogue = catalogue(vec![provider("groq"), aggregator("openrouter")], vec![]);
    let facts = json!({"price": price("5", "5"), "context_length": 1_000});
    let aggregated = list(&[json!({"id": "acme/large-9", "facts": facts})]);
    restore(&catalogue, &[("openrouter", aggregated), ("groq", list(&[json!({"id": "Large_9"})]))]);
    let groq = price_of(&catalogue, "groq/Large_9");
    assert_eq!((groq.price, groq.source), (None, None));
    let endpoints = catalogue.resolve("acme/large-9").unwrap().endpoints;
    assert_eq!(endpoints[0].name(), "groq/Large_9");
    assert_eq!(endpoints[0].facts.context_length, Some(1_000));
}

#[test]
fn an_authors_name_in_front_of_a_model_is_not_taken_for_the_providers_own_name_of_it() {
    let catalogue = catalogue(vec![provider("anthropic")], vec![]);
    let dated = list(&[json!({"id": "claude-opus-4-5-20251101"})]);
    restore(&catalogue, &[("anthropic", dated)]);
    assert_eq!(
        names(&catalogue, "anthropic/claude-opus-4.5"),
        ["anthropic/claude-opus-4-5-20251101"]
    );
    // What nobody knows is passed on: the provider may know better.
    assert_eq!(names(&catalogue, "anthropic/claude-next"), ["anthropic/claude-next"]);
}

#[test]
fn a_model_that_vanished_is_refused_with_what_may_be_meant_and_keeps_its_price() {
    let catalogue = catalogue(vec![aggregator("openrouter")], vec![]);
    let gone = json!({"id": "acme/large-1", "facts": {"price": price("1", "2")}});
    let kept = json!({
        "taken_at": "2026-03-02T00:00:00Z",
        "models": [{"id": "acme/large-2"}],
        "gone": [{"model": gone, "since": "2026-03-02T00:00:00Z"}],
    });
    restore(&catalogue, &[("openrouter", kept)]);
    for name in ["acme/large-1", "openrouter/acme/large-1"] {
        let error = catalogue.resolve(name).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ModelNotFound);
        assert_eq!(error.parameter(), Some("model"));
        for part in ["openrouter does not list it any more since 2026-03-02", "acme/large-2"] {
            assert!(error.message().contains(part), "{error}");
        }
        assert_eq!(catalogue.endpoint_names(name), ["openrouter/acme/large-1"]);
    }
    assert!(catalogue.models().find("acme/large-1").is_none());
}

#[test]
fn an_operators_word_outlives_a_providers_list() {
    let model = configured(json!({"id": "acme/large-1", "price": price("1", "2")}));
    let catalogue = catalogue(vec![aggregator("openrouter")], vec![("openrouter", model)]);
    let kept = json!({
        "taken_at": "2026-03-02T00:00:00Z",
        "models": [],
        "gone": [{"model": {"id": "acme/large-1"}, "since": "2026-03-02T00:00:00Z"}],
    });
    restore(&catalogue, &[("openrouter", kept)]);
    assert_eq!(names(&catalogue, "acme/large-1"), ["openrouter/acme/large-1"]);
}

#[test]
fn each_model_is_shown_once_with_everyone_who_serves_it() {
    let named = |id: &str, model: &str, completion: &str| {
        configured(json!({"id": id, "model": model, "price": price("1", completion),
            "context_length": completion.parse::<u64>().unwrap() * 10}))
    };
    let providers = ["groq", "xai"].map(provider).into_iter().map(Arc::new).collect();
    let models = vec![
        ("groq".to_owned(), named("a", "acme/one", "4")),
        ("xai".to_owned(), named("b", "acme/one", "3")),
        ("xai".to_owned(), named("c", "other/two", "9")),
    ];
    let route = Route { id: "fast".to_owned(), endpoints: vec!["groq/a".to_owned()] };
    let catalogue = Catalogue::new(providers, models, vec![route]).unwrap();
    restore(&catalogue, &[("groq", list(&[])), ("xai", list(&[]))]);
    let models = catalogue.models();
    let ids: Vec<&str> = models.iter().map(|card| card.id.as_str()).collect();
    assert_eq!(ids, ["fast", "acme/one", "other/two"]);
    let one = models.find("acme/one").unwrap();
    assert_eq!(one.endpoints.len(), 2);
    assert_eq!(one.facts.price.as_ref().unwrap().completion.to_string(), "3");
    assert_eq!(one.facts.context_length, Some(40));

    let select = |query: ModelQuery| -> Vec<&str> {
        query.select(&models).into_iter().map(|at| models[at].id.as_str()).collect()
    };
    let by = |sort| select(ModelQuery { sort: Some(sort), ..ModelQuery::default() });
    assert_eq!(by(ModelSort::PriceDescending), ["other/two", "fast", "acme/one"]);
    assert_eq!(by(ModelSort::Context), ["other/two", "fast", "acme/one"]);
    let text = |text: &str| select(ModelQuery { text: Some(text.into()), ..ModelQuery::default() });
    assert_eq!(text("ACME one"), ["acme/one"]);
    let at_groq = ModelQuery { providers: vec!["groq".to_owned()], ..ModelQuery::default() };
    assert_eq!(select(at_groq), ["fast", "acme/one"]);
    let known = ModelQuery { parameters: vec!["tools".to_owned()], ..ModelQuery::default() };
    assert!(select(known).is_empty(), "nothing is known to honour tools");
}

#[test]
fn what_a_provider_does_with_prompts_holds_for_models_of_which_nothing_is_said() {
    let data = DataPolicy { trains: Some(false), retains: Some(true), region: None };
    let careful = Provider { data: data.clone(), ..provider("careful") };
    let said = json!({"id": "m", "data": {"retains": false, "region": "eu"}});
    let catalogue = catalogue(vec![careful], vec![("careful", configured(said))]);
    let facts = |name: &str| catalogue.resolve(name).unwrap().endpoints.remove(0).facts;
    assert_eq!(facts("careful/unheard-of").data, data);
    assert!(facts("careful/m").data.is_zero_retention());
    assert_eq!(facts("careful/m").data.region.as_deref(), Some("eu"));
}

#[test]
fn a_kept_list_of_another_version_is_passed_over() {
    let catalogue = catalogue(vec![provider("groq")], vec![]);
    restore(&catalogue, &[("groq", json!({"something": "else"}))]);
    assert_eq!(names(&catalogue, "groq/openai/gpt-oss-120b"), ["groq/openai/gpt-oss-120b"]);
    assert_eq!(catalogue.kept_list("groq"), None);
}
