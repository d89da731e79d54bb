//! Cost of an OpenAI organisation: buckets of `/organization/costs`, or the dashboard's CSV.

use super::account::{is_page, results, sum};
use super::api_usage::Family;
use crate::request_log::call::{Call, PaidKind};
use crate::request_log::entry::{Entry, FileContext, Object, at, money, text};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "openai-costs",
    title: "Costs of an OpenAI organisation",
    rule: Family::OpenAi.rule(),
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Costs),
};

struct Costs;

fn is_result(row: &Object) -> bool {
    text(row.get("object")).as_deref() == Some("organization.costs.result")
        || row.contains_key("amount_value")
        || (at(row, &["amount", "value"]).is_some() && row.contains_key("line_item"))
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let found = entry.object().map(results).unwrap_or_default();
    if found.iter().any(|(_, row)| is_result(row)) { Sure::Certain } else { Sure::No }
}

impl Reader for Costs {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        for (bucket, row) in results(object) {
            let amount = money(at(row, &["amount", "value"])).or_else(|| money(row.get("amount_value")));
            let currency =
                text(at(row, &["amount", "currency"])).or_else(|| text(row.get("amount_currency")));
            let is_usd = currency.is_none_or(|currency| currency.eq_ignore_ascii_case("usd"));
            let Some(paid) = amount.filter(|_| is_usd) else {
                sink.unread("not a cost in US dollars", entry.line);
                continue;
            };
            let call = sum(bucket, row, "openai", FORMAT.rule, entry.line);
            sink.push(Call { paid: Some(paid), paid_kind: PaidKind::Billed, ..call }, Keep::First);
        }
        if object.get("has_more") == Some(&Value::Bool(true)) && is_page(object) {
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
    fn costs_are_sums_without_tokens() {
        let page = json!({"object": "page", "data": [{"object": "bucket", "start_time": 1_785_542_400, "end_time": 1_785_628_800, "results": [
            {"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"}, "line_item": "gpt-x, input", "project_id": "p"},
            {"object": "organization.costs.result", "amount": {"value": "1.5", "currency": "usd"}, "line_item": null},
            {"object": "organization.costs.result", "amount": {"value": 1, "currency": "eur"}}]}]});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&page)), (Some(FORMAT.id), Sure::Certain));
        let found = read(
            &FORMAT,
            &[page, json!({"start_time": "1785542400", "amount_value": "0.5", "amount_currency": "usd"})],
        );
        let paid: Vec<_> = found.calls.iter().map(|call| call.paid).collect();
        assert_eq!(paid, [Some(0.06), Some(1.5), Some(0.5)]);
        assert_eq!(found.unread["not a cost in US dollars"].entries, 1);
        assert!(found.calls.iter().all(|call| call.aggregated == Some(0) && call.raw.input.is_none()));
    }
}
