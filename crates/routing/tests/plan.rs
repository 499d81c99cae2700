//! Which endpoints may serve a request, and in which order.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use backstay_core::{
    CallContext, Clock, Error, ErrorCode, KeyId, ManualClock, Random, RequestId, RoutingPolicy,
    Timestamp, Usage, WireFormat, WorkspaceId,
    chat::{ChatRequest, Message, Role, Tool},
};
use backstay_providers::{Provider, TimeoutsMs, Upstreams};
use backstay_routing::{
    Catalogue, ConfiguredModel, ConversationKey, Ended, Plan, Route, Router, RouterOptions,
    Standing,
};
use backstay_wire::{Dialect, decode_request};
use serde_json::{Value, json};

/// Three direct providers and an aggregator that serve `acme/m` at 1, 2 and 3 dollars a million.
const MODELS: &str = r#"
    [[model]]
    provider = "one"
    id = "m"
    model = "acme/m"
    price = { prompt = "0.000001", completion = "0.000001", cached_prompt = "0.0000001" }
    context_length = 1000
    data = { trains = false, retains = false, region = "eu" }
    quantization = "fp8"
    parameters = ["temperature", "max_tokens"]
    [[model]]
    provider = "two"
    id = "m-large"
    model = "acme/m"
    price = { prompt = "0.000002", completion = "0.000002", cached_prompt = "0.0000002" }
    data = { trains = false, retains = true, region = "us" }
    parameters = ["temperature", "max_tokens", "tools"]
    [[model]]
    provider = "three"
    id = "m"
    model = "acme/m"
    price = { prompt = "0.000003", completion = "0.000003", cached_prompt = "0.0000003" }
    [[model]]
    provider = "router"
    id = "acme/m"
    model = "acme/m"
    price = { prompt = "0.000001", completion = "0.000001" }
    [[model]]
    provider = "two"
    id = "other"
    model = "acme/other"
    price = { prompt = "0", completion = "0" }
"#;

struct Setup {
    catalogue: Catalogue,
    router: Router,
    clock: ManualClock,
}

fn setup(policy: RoutingPolicy) -> Setup {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let http =
        |id: &str| Provider::http(id, id, WireFormat::OpenAi, "http://127.0.0.1:9", None).unwrap();
    let aggregator = Provider { is_aggregator: true, ..http("router") };
    let mut providers: Vec<_> = ["one", "two", "three"].map(http).into_iter().collect();
    providers.push(aggregator);
    let mut table: toml::Table = MODELS.parse().unwrap();
    let models = table.remove("model").unwrap().as_array().unwrap().clone();
    let models = models.into_iter().map(|mut model| {
        let provider = model.as_table_mut().unwrap().remove("provider").unwrap();
        let model: ConfiguredModel = model.try_into().unwrap();
        (provider.as_str().unwrap().to_owned(), model)
    });
    let route =
        Route { id: "chat".to_owned(), endpoints: vec!["three/m".to_owned(), "one/m".to_owned()] };
    let catalogue = Catalogue::new(
        providers.into_iter().map(Arc::new).collect(),
        models.collect(),
        vec![route],
    )
    .unwrap();
    let upstreams = Upstreams::new(TimeoutsMs::default()).unwrap();
    let options = RouterOptions { policy, ..RouterOptions::default() };
    let router = Router::new(upstreams, options, Clock::Manual(clock.clone()), Random::seeded(7));
    Setup { catalogue, router, clock }
}

fn context() -> CallContext {
    let workspace = WorkspaceId::default_workspace();
    CallContext::unlimited(workspace, KeyId::learning(), RequestId::unknown())
}

fn request(body: Value) -> ChatRequest {
    let mut members = json!({"model": "acme/m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in body.as_object().unwrap() {
        members[name] = value.clone();
    }
    let mut request =
        decode_request(Dialect::OpenAi, members.to_string().as_bytes()).unwrap().request;
    request.routing.trace = true;
    request
}

impl Setup {
    fn plan(&self, body: Value) -> Result<Plan, Error> {
        let mut request = request(body);
        self.router.apply_policies(&context(), &mut request);
        let key = ConversationKey::of(&context().workspace, &request);
        self.router.plan(&self.catalogue, &context(), &request, key)
    }

    /// The providers in order, of a request that is not left to chance.
    fn order(&self, body: Value) -> Vec<String> {
        let plan = self.plan(body).unwrap();
        plan.endpoints.iter().map(|endpoint| endpoint.provider.id.clone()).collect()
    }

    fn fail(&self, endpoint: &str, code: ErrorCode) {
        self.router.health().failed(endpoint, &Error::new(code, "failed"));
    }
}

fn by_price(preferences: Value) -> Value {
    let mut provider = json!({"sort": "price"});
    for (name, value) in preferences.as_object().unwrap() {
        provider[name] = value.clone();
    }
    json!({"provider": provider})
}

#[test]
fn cheap_endpoints_are_tried_first_more_often_in_the_inverse_square_of_their_price() {
    let setup = setup(RoutingPolicy::default());
    let mut first = std::collections::HashMap::<String, u32>::new();
    for _ in 0..4_000 {
        let order = setup.order(json!({}));
        assert_eq!(order.len(), 4);
        assert_eq!(order[3], "router", "who passes calls on comes after who runs the model");
        *first.entry(order[0].clone()).or_default() += 1;
    }
    // 1 : 1/4 : 1/9 of 4,000.
    let share = |provider: &str| f64::from(first[provider]) / 4_000.0;
    assert!((share("one") - 0.735).abs() < 0.03, "{first:?}");
    assert!((share("two") - 0.184).abs() < 0.03, "{first:?}");
    assert!((share("three") - 0.082).abs() < 0.02, "{first:?}");
}

#[test]
fn each_filter_removes_what_it_should_and_says_so() {
    let setup = setup(RoutingPolicy::default());
    let cases = [
        (json!({"only": ["two"]}), vec!["router", "two"]),
        (json!({"ignore": ["ONE", "router"]}), vec!["two", "three"]),
        (json!({"zdr": true}), vec!["one", "router"]),
        (json!({"data_collection": "deny"}), vec!["one", "router", "two"]),
        (json!({"regions": ["eu"]}), vec!["one"]),
        (json!({"quantizations": ["fp8"]}), vec!["one", "router"]),
        (json!({"max_price": {"prompt": 2}}), vec!["one", "router", "two"]),
        (json!({"order": ["three", "two"], "allow_fallbacks": false}), vec!["three", "two"]),
        (json!({"allow_fallbacks": false, "ignore": ["router"]}), vec!["one"]),
    ];
    for (preferences, expected) in cases {
        let mut order = setup.order(by_price(preferences.clone()));
        if preferences.get("order").is_none() {
            // Equal prices have no order.
            order.sort();
        }
        let mut expected = expected;
        if preferences.get("order").is_none() {
            expected.sort();
        }
        assert_eq!(order, expected, "{preferences}");
    }
    let plan = setup.plan(by_price(json!({"zdr": true}))).unwrap();
    let trace = plan.trace.unwrap();
    let removed: Vec<_> = trace.candidates.iter().filter_map(|one| one.removed.as_ref()).collect();
    assert_eq!(removed.len(), 2);
    assert!(removed.iter().all(|removal| removal.filter == "zdr"));
    assert!(removed.iter().any(|removal| removal.reason.contains("not known")), "{removed:?}");
    assert_eq!(trace.passed_on, ["zdr", "sort"]);
}

#[test]
fn a_long_prompt_and_a_long_answer_leave_out_who_cannot_hold_them() {
    let setup = setup(RoutingPolicy::default());
    let long = "word ".repeat(3_000);
    let body =
        json!({"messages": [{"role": "user", "content": long}], "provider": {"sort": "price"}});
    assert!(!setup.order(body).contains(&"one".to_owned()));
    let body = json!({"max_tokens": 990, "provider": {"sort": "price"}});
    assert!(setup.order(body).contains(&"one".to_owned()));
    let body = json!({"max_tokens": 1_001, "provider": {"sort": "price"}});
    assert!(!setup.order(body).contains(&"one".to_owned()));
}

#[test]
fn tools_go_where_tools_work_and_required_parameters_where_all_of_them_do() {
    let setup = setup(RoutingPolicy::default());
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let body = json!({"tools": tools, "provider": {"sort": "price"}});
    let order = setup.order(body);
    assert!(!order.contains(&"one".to_owned()), "{order:?}");
    let body = json!({"tools": tools, "provider": {"only": ["one"], "ignore": ["router"]}});
    assert_eq!(setup.order(body), ["one"], "where none can, it goes all the same");
    let body = json!({"seed": 1, "provider": {"require_parameters": true, "only": ["one"], "ignore": ["router"]}});
    let error = setup.plan(body).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoEndpoints);
    assert!(error.message().contains("does not honour seed"), "{error}");
}

#[test]
fn when_nothing_is_left_the_error_names_every_filter() {
    let setup = setup(RoutingPolicy::default());
    let body = json!({"provider": {"ignore": ["router", "two"], "max_price": {"prompt": "0.5"}}});
    let error = setup.plan(body).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoEndpoints);
    for part in [
        "one/m: its prompt price is 0.000001",
        "two/m-large: the request ignores",
        "loosen max_price",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    let error = setup.plan(json!({"model": "acme/n"})).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ModelNotFound);
    assert!(error.message().contains("acme/m") || error.message().contains("/m"), "{error}");
}

#[test]
fn a_policy_binds_every_request_and_cannot_be_widened() {
    let policy = RoutingPolicy {
        deny_providers: vec!["three".to_owned()],
        deny_models: vec!["acme/other".to_owned()],
        zero_retention: true,
        ..RoutingPolicy::default()
    };
    let setup = setup(policy);
    let mut order = setup.order(json!({"provider": {"zdr": false, "only": ["one", "three"]}}));
    order.sort();
    assert_eq!(order, ["one", "router"]);
    let error = setup.plan(json!({"model": "acme/other"})).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PermissionDenied);
    let mut asked = request(json!({}));
    setup.router.apply_policies(&context(), &mut asked);
    let told = backstay_wire::delegated(&asked.routing);
    assert_eq!(told["provider"]["zdr"], true, "an aggregator is told what the policy demands");
    assert_eq!(told["provider"]["ignore"], json!(["three"]));
}

#[test]
fn variants_and_fallback_models_behave_as_documented() {
    let setup = setup(RoutingPolicy::default());
    let order = setup.order(json!({"model": "acme/m:floor", "provider": {"ignore": ["router"]}}));
    assert_eq!(order, ["one", "two", "three"]);
    let free = setup.plan(json!({"model": "acme/m:free", "provider": {"ignore": ["router"]}}));
    assert!(free.map(|_| ()).unwrap_err().message().contains("costs nothing"));
    assert_eq!(setup.order(json!({"model": "acme/other:free"})), ["two"]);
    let online = setup.plan(json!({"model": "acme/m:online"})).unwrap();
    assert_eq!(online.endpoints.len(), 1);
    assert_eq!(online.endpoints[0].model, "acme/m:online");
    let body = json!({"models": ["acme/other", "acme/nowhere"], "provider": {"sort": "price", "ignore": ["router"]}});
    let plan = setup.plan(body).unwrap();
    let names: Vec<String> = plan.endpoints.iter().map(|endpoint| endpoint.name()).collect();
    assert_eq!(names, ["one/m", "two/m-large", "three/m", "two/other"]);
    assert_eq!(plan.trace.unwrap().unknown, ["acme/nowhere"]);
    let across = json!({"models": ["acme/other"], "provider": {"ignore": ["router"],
        "sort": {"by": "price", "partition": "none"}}});
    assert_eq!(setup.plan(across).unwrap().endpoints[0].name(), "two/other");
    assert_eq!(setup.order(json!({"model": "chat"})), ["three", "one"], "the operator's order");
}

#[test]
fn speed_is_measured_and_what_is_too_slow_goes_to_the_back() {
    let setup = setup(RoutingPolicy::default());
    let speeds = [("one/m", 20), ("two/m-large", 200), ("three/m", 100)];
    for (endpoint, per_second) in speeds {
        let resolved = setup.catalogue.resolve(endpoint).unwrap();
        for _ in 0..10 {
            setup.router.observe(&Ended {
                endpoint: &resolved.endpoints[0],
                conversation: None,
                usage: Some(&Usage { completion_tokens: per_second, ..Usage::default() }),
                after_first_ms: Some(1_000),
                error: None,
            });
        }
    }
    let only = json!({"ignore": ["router"], "sort": "throughput"});
    assert_eq!(setup.order(json!({"provider": only})), ["two", "three", "one"]);
    let nitro = json!({"model": "acme/m:nitro", "provider": {"ignore": ["router"]}});
    assert_eq!(setup.order(nitro), ["two", "three", "one"]);
    let preferred = by_price(json!({"ignore": ["router"], "preferred_min_throughput": 90}));
    assert_eq!(setup.order(preferred), ["two", "three", "one"]);
}

#[test]
fn an_endpoint_that_keeps_failing_goes_to_the_back_and_comes_back() {
    let setup = setup(RoutingPolicy::default());
    let sorted = || by_price(json!({"ignore": ["router"]}));
    (0..5).for_each(|_| setup.fail("one/m", ErrorCode::UpstreamError));
    assert_eq!(setup.order(sorted()), ["two", "three", "one"]);
    setup.clock.advance_ms(10_000);
    assert_eq!(setup.router.health().standing("one/m"), Standing::Probing);
    assert_eq!(setup.order(sorted()), ["one", "two", "three"]);
}

#[test]
fn a_conversation_stays_where_its_cache_is_warm_unless_leaving_is_cheaper() {
    let setup = setup(RoutingPolicy::default());
    let long = "word ".repeat(700);
    let body = |session: &str| {
        json!({"session_id": session, "max_tokens": 1, "messages": [{"role": "user", "content": long}],
            "provider": {"ignore": ["router"]}})
    };
    let warm = |provider: &str, session: &str, cached: u64| {
        let resolved = setup.catalogue.resolve(provider).unwrap();
        let key = ConversationKey::of(&context().workspace, &request(body(session)));
        setup.router.observe(&Ended {
            endpoint: &resolved.endpoints[0],
            conversation: key,
            usage: Some(&Usage {
                prompt_tokens: 700,
                cached_prompt_tokens: cached,
                ..Usage::default()
            }),
            after_first_ms: None,
            error: None,
        });
    };
    warm("three/m", "a", 0);
    let plan = setup.plan(body("a")).unwrap();
    assert_eq!(plan.endpoints[0].provider.id, "three", "a tenth of 3 dollars beats 1");
    let affinity = plan.trace.unwrap().affinity.unwrap();
    assert!(affinity.is_kept);
    assert_eq!(
        affinity.cost_of_leaving.unwrap().to_string(),
        "0.00189",
        "700 x 2.7 dollars a million"
    );

    (0..5).for_each(|_| setup.fail("three/m", ErrorCode::UpstreamError));
    let plan = setup.plan(body("a")).unwrap();
    assert_ne!(plan.endpoints[0].provider.id, "three");
    assert_eq!(plan.trace.unwrap().affinity.unwrap().reason, "it is failing or rate limited");

    // A short cache does not make a dear endpoint the cheaper one.
    let resolved = setup.catalogue.resolve("two/m-large").unwrap();
    let key = ConversationKey::of(&context().workspace, &request(body("b")));
    setup.router.observe(&Ended {
        endpoint: &resolved.endpoints[0],
        conversation: key,
        usage: Some(&Usage { prompt_tokens: 10, cached_prompt_tokens: 10, ..Usage::default() }),
        after_first_ms: None,
        error: None,
    });
    let plan = setup.plan(body("b")).unwrap();
    assert!(!plan.trace.unwrap().affinity.unwrap().is_kept);
}

#[test]
fn a_plan_without_a_choice_still_checks_the_filters() {
    let setup = setup(RoutingPolicy::default());
    let request = ChatRequest {
        model: "two/other".to_owned(),
        messages: vec![Message::text_of(Role::User, "hi")],
        tools: vec![Tool::Function {
            name: "f".to_owned(),
            description: None,
            parameters: None,
            strict: None,
        }],
        ..ChatRequest::default()
    };
    let plan = setup.router.plan(&setup.catalogue, &context(), &request, None).unwrap();
    assert_eq!(plan.endpoints.len(), 1);
    assert!(plan.trace.is_none());
}
