//! What may be wrong with a database that servers share.

use serde_json::Value;

use super::{Finding, failure, finding, text, warning};

/// PostgreSQL 15.
const VERSION_MIN: u64 = 150_000;
const PGVECTOR_MIN: [u64; 2] = [0, 8];
const CLOCK_OFF_MS_MAX: u64 = 1_000;
const ROUND_TRIP_MICROS_MAX: u64 = 10_000;
const STANDBY_LAG_MS_MAX: i64 = 10_000;
/// Of a hundred connections.
const CONNECTIONS_PERCENT_MAX: u64 = 80;

/// Nothing for a server whose store is a folder.
pub(super) fn examine(database: &Value) -> Vec<Finding> {
    if database.is_null() {
        return Vec::new();
    }
    let mut findings = vec![
        version(database),
        vectors(database),
        row_security(&database["user"]),
        replication(database),
    ];
    findings.extend(replica(&database["replica"]));
    findings.extend([
        clock(database),
        latency(database),
        connections(database),
        nodes(&database["nodes"]),
    ]);
    findings
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

fn version(database: &Value) -> Finding {
    let found = number(database, "version_number");
    let told = format!("PostgreSQL {}.{}", found / 10_000, found % 10_000);
    if found >= VERSION_MIN {
        return finding("database", told);
    }
    let advice = "Backstay needs PostgreSQL 15 or newer; upgrade the database server";
    failure("database", told, Some(advice.to_owned()))
}

fn vectors(database: &Value) -> Finding {
    let check = "pgvector";
    let Some(version) = database["pgvector"].as_str() else {
        let told = "not installed: each server holds the memories that it recalls from, however \
                    large; it is installed by itself where it is available and allowed";
        return finding(check, told.to_owned());
    };
    if is_older(version, PGVECTOR_MIN) {
        let told = format!("{version} is installed and too old to search large memories");
        let advice = "upgrade it to 0.8 or newer, then ALTER EXTENSION vector UPDATE";
        return warning(check, told, advice.to_owned());
    }
    let size = number(database, "search_bytes") / (1024 * 1024);
    finding(check, format!("{version} searches large memories, in {size} MiB of words and vectors"))
}

fn is_older(version: &str, than: [u64; 2]) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().unwrap_or_default());
    [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()] < than
}

fn row_security(user: &Value) -> Finding {
    let name = text(user, "name");
    if user["roles_bypass_row_security"] == true {
        return failure(
            "row security",
            "a role that transactions take on is a superuser or has BYPASSRLS: nothing keeps \
             workspaces apart but the statements themselves"
                .to_owned(),
            Some(
                "ALTER ROLE backstay_workspace NOSUPERUSER NOBYPASSRLS; the same for \
                 backstay_installation"
                    .to_owned(),
            ),
        );
    }
    if user["bypasses_row_security"] == true {
        return warning(
            "row security",
            format!(
                "{name} is a superuser or has BYPASSRLS: it holds in transactions, which take on \
                 another role, and for nothing else that is done as {name}"
            ),
            format!(
                "ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS, or let Backstay connect as another user \
                 that owns the tables (docs/postgresql.md)"
            ),
        );
    }
    finding("row security", format!("{name} is held to it"))
}

fn replication(database: &Value) -> Finding {
    if database["in_recovery"] == true {
        return failure(
            "replication",
            "this is a replica, which cannot be written".to_owned(),
            Some(
                "name the primary in the store's URL, or all hosts with \
                 target_session_attrs=read-write"
                    .to_owned(),
            ),
        );
    }
    let standbys = database["standbys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if standbys.is_empty() {
        let none = "the primary; no standby is connected: a lost disk is a lost installation";
        return finding("replication", none.to_owned());
    }
    let lags = standbys.iter().filter_map(|standby| standby["lag_ms"].as_i64());
    let count = standbys.len();
    match lags.max() {
        Some(lag) if lag > STANDBY_LAG_MS_MAX => warning(
            "replication",
            format!("the primary of {count}; one is {lag} ms behind"),
            "look at the standby's load and network: what it lacks is lost if it takes over"
                .to_owned(),
        ),
        Some(lag) => {
            finding("replication", format!("the primary of {count}, at most {lag} ms behind"))
        }
        None => finding(
            "replication",
            format!(
                "the primary of {count}; how far behind is not shown while nothing is written, and \
                 only to members of pg_monitor"
            ),
        ),
    }
}

/// Of the one that recall may read; nothing where none is named.
fn replica(replica: &Value) -> Option<Finding> {
    let check = "replica";
    Some(match text(replica, "state").as_str() {
        "unusable" => warning(
            check,
            format!("{}; recall reads the primary meanwhile", text(replica, "reason")),
            "see that it runs and that store.replica_url names it".to_owned(),
        ),
        "writable" => warning(
            check,
            "the server that store.replica_url names is no replica: recall reads it, which takes no \
             load off the primary if it is the same"
                .to_owned(),
            "name a streaming replica, or take the setting out".to_owned(),
        ),
        "following" => match replica["lag_ms"].as_i64() {
            Some(lag) if lag > STANDBY_LAG_MS_MAX => warning(
                check,
                format!("{lag} ms behind: recall reads the primary where something is new"),
                "look at the replica's load and network".to_owned(),
            ),
            Some(lag) => finding(check, format!("recall reads it; {lag} ms behind")),
            None => finding(check, "recall reads it; how far behind is not known".to_owned()),
        },
        _ => return None,
    })
}

fn clock(database: &Value) -> Finding {
    let Some(correction) = database["clock_correction_ms"].as_i64() else {
        return finding("clock", "not compared with the database's".to_owned());
    };
    let off = correction.unsigned_abs();
    let side = if correction > 0 { "behind" } else { "ahead of" };
    let told =
        format!("this server's machine is {off} ms {side} the database; it goes by the database");
    if off <= CLOCK_OFF_MS_MAX {
        return finding("clock", told);
    }
    warning(
        "clock",
        told,
        "let NTP set the machine's clock: its logs have the wrong time".to_owned(),
    )
}

fn latency(database: &Value) -> Finding {
    let micros = number(database, "round_trip_micros");
    let told = format!("a round trip takes {}.{:03} ms (median)", micros / 1_000, micros % 1_000);
    if micros <= ROUND_TRIP_MICROS_MAX {
        return finding("latency", told);
    }
    let advice = "a call makes several: move this server and the database closer together";
    warning("latency", told, advice.to_owned())
}

fn connections(database: &Value) -> Finding {
    let (used, most) = (number(database, "connections"), number(database, "connections_max"));
    let told = format!("{used} of {most} that the database server allows, of all its clients");
    if used.saturating_mul(100) <= most.saturating_mul(CONNECTIONS_PERCENT_MAX) {
        return finding("connections", told);
    }
    let advice = "raise max_connections there, or lower store.connections_max of the servers";
    warning("connections", told, advice.to_owned())
}

fn nodes(nodes: &Value) -> Finding {
    let all = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
    let alive = all.iter().filter(|node| node["alive"] == true).count();
    let this = all.iter().find(|node| node["this"] == true);
    match this {
        Some(this) if this["alive"] == true => finding(
            "nodes",
            format!("{alive} share the database; this one is {}", text(this, "id")),
        ),
        _ => failure(
            "nodes",
            format!("{alive} share the database, and this one has lost its lease"),
            Some(
                "its calls are ended by the others: look at its log for what keeps it from the \
                 database"
                    .to_owned(),
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn well() -> Value {
        json!({
            "version_number": 160_014, "pgvector": "0.8.5", "in_recovery": false,
            "user": {"name": "backstay", "bypasses_row_security": false,
                "roles_bypass_row_security": false},
            "standbys": [{"name": "b", "state": "streaming", "lag_ms": 3}],
            "connections": 20, "connections_max": 100, "round_trip_micros": 450,
            "clock_correction_ms": -7,
            "nodes": [{"id": "node_1", "alive": true, "this": true}],
        })
    }

    fn found(change: impl FnOnce(&mut Value)) -> Vec<(&'static str, bool, bool)> {
        let mut database = well();
        change(&mut database);
        let all = examine(&database).into_iter();
        let wrong = all.filter(|finding| !finding.ok || finding.warning);
        wrong.map(|finding| (finding.check, finding.ok, finding.advice.is_some())).collect()
    }

    #[test]
    fn what_is_well_is_said_without_advice() {
        assert_eq!(found(|_| {}), []);
        assert!(examine(&Value::Null).is_empty());
    }

    #[test]
    fn each_thing_that_is_wrong_is_found_with_advice() {
        let failed = |check| vec![(check, false, true)];
        let warned = |check| vec![(check, true, true)];
        assert_eq!(found(|all| all["version_number"] = json!(140_011)), failed("database"));
        assert_eq!(found(|all| all["in_recovery"] = json!(true)), failed("replication"));
        assert_eq!(
            found(|all| all["standbys"][0]["lag_ms"] = json!(60_000)),
            warned("replication")
        );
        assert_eq!(found(|all| all["pgvector"] = json!("0.7.4")), warned("pgvector"));
        assert_eq!(found(|all| all["pgvector"] = json!("1.0")), []);
        assert_eq!(found(|all| all["clock_correction_ms"] = json!(1_001)), warned("clock"));
        assert_eq!(found(|all| all["round_trip_micros"] = json!(10_001)), warned("latency"));
        assert_eq!(found(|all| all["connections"] = json!(81)), warned("connections"));
        assert_eq!(found(|all| all["nodes"][0]["alive"] = json!(false)), failed("nodes"));
        let replica = |state: Value| found(|all| all["replica"] = state);
        assert_eq!(replica(json!({"state": "following", "lag_ms": 9})), []);
        assert_eq!(replica(json!({"state": "following", "lag_ms": 10_001})), warned("replica"));
        assert_eq!(replica(json!({"state": "writable"})), warned("replica"));
        assert_eq!(replica(json!({"state": "unusable", "reason": "x"})), warned("replica"));
        let user = |name: &'static str| found(|all| all["user"][name] = json!(true));
        assert_eq!(user("bypasses_row_security"), warned("row security"));
        assert_eq!(user("roles_bypass_row_security"), failed("row security"));
    }
}
