//! Cost of an Anthropic organisation: the API's report, whose amounts are cents as decimal text, and the console's CSV.

use super::account::{is_page, results, sum};
use super::api_usage::Family;
use crate::request_log::call::{Call, PaidKind};
use crate::request_log::entry::{Entry, FileContext, Object, money, text};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "anthropic-cost-report",
    title: "Cost report of an Anthropic organisation",
    rule: Family::Anthropic.rule(),
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Report),
};

struct Report;

const CENTS_PER_DOLLAR: f64 = 100.0;

fn is_result(row: &Object) -> bool {
    row.contains_key("amount")
        && ["cost_type", "token_type", "workspace_id", "description"].iter().any(|key| row.contains_key(*key))
        && !row.get("amount").is_some_and(Value::is_object)
}

fn is_row_of_csv(row: &Object) -> bool {
    row.contains_key("cost_usd") && row.contains_key("usage_date_utc")
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let found = results(object);
    let is_report = is_page(object) || object.contains_key("starting_at");
    let is_found = found.iter().any(|(_, row)| (is_report && is_result(row)) || is_row_of_csv(row));
    if is_found { Sure::Certain } else { Sure::No }
}

impl Reader for Report {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        for (bucket, row) in results(object) {
            let amount = if is_row_of_csv(row) {
                money(row.get("cost_usd"))
            } else {
                money(row.get("amount")).map(|cents| cents / CENTS_PER_DOLLAR)
            };
            let is_usd =
                text(row.get("currency")).is_none_or(|currency| currency.eq_ignore_ascii_case("usd"));
            let Some(paid) = amount.filter(|_| is_usd) else {
                sink.unread("not a cost in US dollars", entry.line);
                continue;
            };
            let call = sum(bucket, row, "anthropic", FORMAT.rule, entry.line);
            sink.push(Call { paid: Some(paid), paid_kind: PaidKind::Billed, ..call }, Keep::First);
        }
        if object.get("has_more") == Some(&Value::Bool(true)) {
            sink.note("the report has more pages, which are not in this file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_cents() {
        let page = json!({"data": [{"starting_at": "2026-08-01T00:00:00Z", "ending_at": "2026-08-02T00:00:00Z", "results": [
            {"currency": "USD", "amount": "150.5", "workspace_id": null, "description": "Claude X - Input tokens", "cost_type": "tokens",
                "context_window": "0-200k", "model": "claude-x", "service_tier": "standard", "token_type": "uncached_input_tokens"},
            {"currency": "EUR", "amount": "1", "cost_type": "tokens"}, {"currency": "USD", "amount": "?", "cost_type": "tokens"}]}], "has_more": false});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&page)), (Some(FORMAT.id), Sure::Certain));
        let found = read(&FORMAT, &[page]);
        assert_eq!((found.calls.len(), found.unread["not a cost in US dollars"].entries), (1, 2));
        let call = &found.calls[0];
        assert_eq!(
            (call.paid, call.paid_kind, call.raw.input, call.aggregated),
            (Some(1.505), PaidKind::Billed, None, Some(0))
        );
    }

    #[test]
    fn the_consoles_csv_is_in_dollars() {
        let row = json!({"usage_date_utc": "2026-08-01", "model": "claude-x", "workspace": "Default", "api_key": "team", "cost_usd": "2.5", "cost_type": "token"});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)).1, Sure::Certain);
        assert_eq!(read(&FORMAT, &[row]).calls[0].paid, Some(2.5));
    }
}
