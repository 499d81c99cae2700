//! Keeping the catalogue fresh, and what it knew for the next start.

use backstay_core::{Result, Timestamp};
use backstay_providers::Upstreams;
use backstay_routing::{Catalogue, CurrentPrice, Refreshed};
use backstay_store::{ModelList, PriceRecord, Store};

use crate::Engine;

/// Changes of one endpoint's price that are shown.
const HISTORY_MAX: u32 = 100;

/// What a refresh came to.
#[derive(Debug)]
pub struct RefreshReport {
    pub providers: Vec<Refreshed>,
    /// Endpoints whose price is another than before, those that are new included.
    pub prices_changed: usize,
}

impl Engine {
    /// Asks every provider for its models, keeps what they say, and records each price that changed.
    /// Calls that were made before keep the price that they were made at.
    pub async fn refresh_models(&self) -> Result<RefreshReport> {
        let (store, catalogue) = (self.store(), self.catalogue());
        let (upstreams, now) = (self.router().upstreams(), self.clock().now());
        let providers = catalogue.refresh(upstreams, now).await;
        let asked = catalogue.refresh_offers(upstreams, now).await;
        keep(store, catalogue, &providers, &asked).await?;
        let prices_changed = record_prices(store, catalogue, now).await?;
        Ok(RefreshReport { providers, prices_changed })
    }

    /// What the endpoints of a model asked and when, by endpoint and newest first. The name is one of
    /// the catalogue, or `provider/model`; also one that is gone.
    pub async fn price_history(&self, model: &str) -> Result<Vec<PriceRecord>> {
        let mut names = self.catalogue().endpoint_names(model);
        if names.is_empty() {
            // Perhaps of a provider that is not configured any more.
            names.push(model.to_owned());
        }
        let mut history = Vec::new();
        for name in names {
            history.extend(self.store().price_history(&name, HISTORY_MAX).await?);
        }
        if history.is_empty() {
            self.catalogue().resolve(model)?;
        }
        Ok(history)
    }
}

/// What a start knows before providers have answered, and what those say who answer at once.
pub async fn start_catalogue(
    store: &Store,
    catalogue: &Catalogue,
    upstreams: &Upstreams,
    patience: std::time::Duration,
    now: Timestamp,
) -> Result<()> {
    let kept = store.model_lists().await?;
    catalogue.restore_lists(kept.into_iter().map(|list| (list.provider, list.models)).collect());
    // A provider that is slow to list its models does not hold up the start; the list follows.
    let answered = tokio::time::timeout(patience, catalogue.refresh(upstreams, now)).await;
    keep(store, catalogue, &answered.unwrap_or_default(), &[]).await?;
    record_prices(store, catalogue, now).await?;
    Ok(())
}

/// Writes the lists that are other than before; `asked` are those of whose list another part is new.
async fn keep(
    store: &Store,
    catalogue: &Catalogue,
    refreshed: &[Refreshed],
    asked: &[String],
) -> Result<()> {
    let is_new = |one: &&Refreshed| {
        one.outcome.as_ref().is_ok_and(|list| list.is_changed) || asked.contains(&one.provider)
    };
    for Refreshed { provider, .. } in refreshed.iter().filter(is_new) {
        if let Some((taken_at, models)) = catalogue.kept_list(provider) {
            let list = ModelList { provider: provider.clone(), taken_at, models };
            store.put_model_list(list).await?;
        }
    }
    Ok(())
}

async fn record_prices(store: &Store, catalogue: &Catalogue, now: Timestamp) -> Result<usize> {
    let record = |CurrentPrice { endpoint, price, source }: CurrentPrice| PriceRecord {
        endpoint,
        recorded_at: now,
        price,
        source: source.as_ref().map_or_else(|| "unknown".to_owned(), |source| source.name.clone()),
        as_of: source.and_then(|source| source.as_of),
    };
    store.record_prices(catalogue.prices().into_iter().map(record).collect()).await
}
