//! A key in OpenRouter's words. Required keys are there even when there is nothing to say.

use backstay_core::{BudgetPeriod, CallContext, KeyScope, Money, Result};
use backstay_engine::Engine;
use backstay_store::{BudgetOf, BudgetRow, KeyRecord, SpentLately};
use serde_json::{Map, Value, json};

use super::dollars::number;

/// A key with what it has spent and may spend.
pub(super) struct KeyInfo {
    pub(super) record: KeyRecord,
    pub(super) spent: SpentLately,
    pub(super) budgets: Vec<BudgetRow>,
}

impl KeyInfo {
    pub(super) async fn of(
        engine: &Engine,
        context: &CallContext,
        record: KeyRecord,
    ) -> Result<Self> {
        let store = engine.store().workspace(&context.workspace);
        let spent = store.spent_lately(Some(&record.id), engine.clock().now()).await?;
        let budgets = engine.budgets(context, BudgetOf::Key(&record.id)).await?;
        Ok(Self { record, spent, budgets })
    }

    /// The budget that leaves least: OpenRouter knows one per key.
    fn tightest(&self) -> Option<&BudgetRow> {
        self.budgets.iter().min_by_key(|budget| budget.remaining())
    }

    /// What `/key` and `/keys` have in common.
    fn common(&self) -> Map<String, Value> {
        let limit = self.tightest();
        let SpentLately { total, day, week, month, .. } = self.spent;
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("label", Value::from(self.record.token.label()));
        set("limit", limit.map_or(Value::Null, |budget| number(budget.limit)));
        set("limit_remaining", limit.map_or(Value::Null, |budget| number(budget.remaining())));
        set("limit_reset", limit.and_then(|budget| interval(budget.period)).into());
        set("usage", number(total));
        set("usage_daily", number(day));
        set("usage_weekly", number(week));
        set("usage_monthly", number(month));
        for name in ["byok_usage", "byok_usage_daily", "byok_usage_weekly", "byok_usage_monthly"] {
            set(name, number(Money::ZERO));
        }
        set("include_byok_in_limit", Value::from(false));
        set("creator_user_id", Value::Null);
        set("expires_at", json!(self.record.settings.expires_at));
        set("workspace_id", json!(self.record.workspace));
        body
    }

    /// A line of `/keys`.
    pub(super) fn line(&self) -> Value {
        let mut body = self.common();
        let KeyRecord { token, settings, created_at, updated_at, disabled_at, .. } = &self.record;
        body.insert("hash".to_owned(), Value::from(token.hash_in_hex()));
        body.insert("name".to_owned(), Value::from(settings.name.as_str()));
        body.insert("disabled".to_owned(), Value::from(disabled_at.is_some()));
        body.insert("created_at".to_owned(), json!(created_at));
        body.insert("updated_at".to_owned(), json!(updated_at));
        body.insert("last_used_at".to_owned(), json!(self.spent.last_used_at));
        body.insert("external_user".to_owned(), Value::Null);
        Value::Object(body)
    }

    /// The answer of `/key`; `of_workspace` are the budgets that hold for every key.
    pub(super) fn own(&self, of_workspace: &[BudgetRow]) -> Value {
        let scopes = self.record.settings.scopes;
        // In OpenRouter a key either manages or calls models; ours may do both, and then calls them.
        let manages = scopes.contains(KeyScope::Manage) && !scopes.contains(KeyScope::Inference);
        let layers = of_workspace.iter().map(|budget| ("workspace", budget));
        let layers = layers.chain(self.budgets.iter().map(|budget| ("key_limit", budget)));
        let layers: Vec<(&str, &BudgetRow)> = layers.collect();
        let tightest = layers.iter().min_by_key(|(_, budget)| budget.remaining());
        let mut body = self.common();
        let rest = json!({
            "is_free_tier": false,
            "is_management_key": manages,
            "is_provisioning_key": manages,
            "rate_limit": {
                "requests": -1,
                "interval": "10s",
                "note": "This field is deprecated; Backstay's own limits are at /backstay/v1/key.",
            },
            "allowed_data_regions": ["global"],
            "budgets": layers.iter().map(layer).collect::<Vec<_>>(),
            "effective_budget": tightest.map(layer),
            "free_model_daily_requests": {"used": 0, "limit": -1, "remaining": -1},
            "organization_id": null,
        });
        if let Value::Object(rest) = rest {
            body.extend(rest);
        }
        Value::Object(body)
    }
}

fn layer((scope, budget): &(&str, &BudgetRow)) -> Value {
    json!({
        "scope": scope,
        "budget_id": null,
        "guardrail_id": null,
        "include_byok": false,
        "limit_usd": number(budget.limit),
        "spend_usd": number(budget.spent),
        "remaining_usd": number(budget.remaining()),
        "reset_interval": interval(budget.period),
        "resets_at": budget.resets_at,
    })
}

/// OpenRouter's word for a period; a limit that never resets has none.
fn interval(period: BudgetPeriod) -> Option<&'static str> {
    match period {
        BudgetPeriod::Day => Some("daily"),
        BudgetPeriod::Week => Some("weekly"),
        BudgetPeriod::Month => Some("monthly"),
        BudgetPeriod::Total => None,
    }
}
