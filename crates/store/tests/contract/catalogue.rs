//! Prices and model lists, which belong to the installation.

use backstay_core::{Money, Price};
use backstay_store::{ModelList, PriceRecord};

use crate::harness::{TestStore, at};

fn price(completion: i64) -> Price {
    Price { completion: Money::from_picodollars(completion), ..Price::FREE }
}

fn recorded(endpoint: &str, second: i64, price: Option<Price>) -> PriceRecord {
    PriceRecord {
        endpoint: endpoint.to_owned(),
        recorded_at: at(second),
        price,
        source: "list".to_owned(),
        as_of: Some("2026-11-10".to_owned()),
    }
}

pub(crate) async fn a_price_is_recorded_when_it_changes_and_stays(store: &TestStore) {
    let (first, second) =
        (recorded("groq/m", 1, Some(price(10))), recorded("groq/m", 3, Some(price(20))));
    let store = store.store();
    let other = recorded("groq/other", 1, Some(price(10)));
    assert_eq!(store.record_prices(vec![first.clone(), other]).await.unwrap(), 2);
    let same = recorded("groq/m", 2, Some(price(10)));
    assert_eq!(store.record_prices(vec![same]).await.unwrap(), 0);
    assert_eq!(store.record_prices(vec![second.clone()]).await.unwrap(), 1);
    assert_eq!(store.price_history("groq/m", 10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.price_history("groq/m", 1).await.unwrap(), [second]);
    assert_eq!(store.price_history("groq/absent", 10).await.unwrap(), []);
}

pub(crate) async fn a_price_that_is_known_no_more_is_recorded_as_such(store: &TestStore) {
    let store = store.store();
    let never_known = recorded("groq/m", 1, None);
    assert_eq!(store.record_prices(vec![never_known]).await.unwrap(), 0);
    let known = recorded("groq/m", 2, Some(price(10)));
    let unknown = recorded("groq/m", 3, None);
    assert_eq!(store.record_prices(vec![known.clone()]).await.unwrap(), 1);
    assert_eq!(store.record_prices(vec![unknown.clone()]).await.unwrap(), 1);
    assert_eq!(store.price_history("groq/m", 10).await.unwrap(), [unknown, known]);
}

pub(crate) async fn the_newest_model_list_of_each_provider_is_kept(store: &TestStore) {
    let list = |provider: &str, second, models: &str| ModelList {
        provider: provider.to_owned(),
        taken_at: at(second),
        models: models.to_owned(),
    };
    for put in [list("groq", 1, "[1]"), list("xai", 2, "[2]"), list("groq", 3, "[3]")] {
        store.store().put_model_list(put).await.unwrap();
    }
    store.reopen().await;
    let kept = store.store().model_lists().await.unwrap();
    assert_eq!(kept, [list("groq", 3, "[3]"), list("xai", 2, "[2]")]);
}
