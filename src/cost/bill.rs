//! What a month costs at each endpoint of a model, from the present bill or from the tokens of a month (method 4).

use super::compare::{CostOfModel, EndpointCost};
use super::month::{BillError, EndpointMonth, Month, MonthlyCost, PaidAt};
use crate::domain::ids::Tag;
use crate::domain::thresholds::SAVING_MIN_TRAFFIC;
use crate::snapshot::ModelEntry;
use crate::wording::money::{self, MonthOf, Place};
use crate::wording::price_list::Style;

/// Number of tags that an error lists.
const LISTED: usize = 12;

/// An endpoint at which the bill is paid, and its share of the bill's sessions; the shares sum to 1.
struct Paying<'a> {
    row: &'a EndpointCost,
    share: f64,
}

impl CostOfModel {
    /// What the month costs at each eligible endpoint. The bill is assumed to buy sessions of the workload at `at`: a
    /// tag, the slug of a provider or its name. Without `at` it buys them at what the model's traffic pays on average.
    ///
    /// The interval of an endpoint combines its own session cost with that at `at` conservatively: its lower end over
    /// the upper end there, and the reverse. Where the bill is paid, both are the same number and cancel out.
    ///
    /// # Errors
    /// [`BillError`] if the host is unknown or its cost is.
    pub fn monthly(
        &self,
        model: &ModelEntry,
        month: Month,
        at: Option<&str>,
    ) -> Result<MonthlyCost, BillError> {
        let a_session = self.prompt_tokens + self.output_tokens;
        if !self.endpoints.iter().any(|row| row.is_choice) {
            return Err(BillError::NoEndpoint);
        }
        let (paying, paid_at) = match (month, at) {
            (Month::Tokens(_), Some(_)) => return Err(BillError::HostWithoutBill),
            (Month::Tokens(_), None) => (Vec::new(), None),
            (Month::Usd(_), at) => {
                let (paying, paid_at) = self.paying(model, at)?;
                (paying, Some(paid_at))
            }
        };
        let mean: f64 = paying.iter().map(|one| one.share * one.row.cost.unwrap_or(0.0)).sum();
        let (bill, sessions) = match month {
            Month::Usd(bill) if mean > 0.0 => (Some(bill), bill / mean),
            Month::Usd(_) => {
                return Err(BillError::NoCost {
                    at: at.unwrap_or("the average").to_owned(),
                    why: "a session is free".to_owned(),
                });
            }
            Month::Tokens(tokens) => (None, tokens / a_session),
        };
        let choices = self.endpoints.iter().filter(|row| row.is_choice);
        Ok(MonthlyCost {
            bill,
            paid_at,
            at: paying.iter().map(|one| one.row.tag.clone()).collect(),
            session_cost: bill.map(|_| mean),
            sessions,
            tokens: sessions * a_session,
            endpoints: choices.filter_map(|row| month_at(row, &paying, bill, sessions)).collect(),
        })
    }

    /// The endpoints that a host name means, or all of the traffic, with their shares.
    fn paying(&self, model: &ModelEntry, at: Option<&str>) -> Result<(Vec<Paying<'_>>, PaidAt), BillError> {
        let tokens = |row: &EndpointCost| {
            let endpoint = model.endpoints.iter().find(|one| one.endpoint_id == row.endpoint_id);
            endpoint.and_then(|one| one.tokens_per_day).unwrap_or(0.0)
        };
        let Some(at) = at else {
            let closed = |row: &EndpointCost| {
                let endpoint = model.endpoints.iter().find(|one| one.endpoint_id == row.endpoint_id);
                endpoint.is_none_or(|one| one.why_closed().is_some())
            };
            let choices: Vec<&EndpointCost> = self.endpoints.iter().filter(|row| row.is_choice).collect();
            let known: f64 = choices.iter().map(|row| tokens(row)).sum();
            let unknown = self.endpoints.iter().filter(|row| row.cost.is_none() && !closed(row));
            let total = known + unknown.map(tokens).sum::<f64>();
            if choices.len() > 1 && (known <= 0.0 || known < SAVING_MIN_TRAFFIC * total) {
                return Err(BillError::NoAverage);
            }
            return Ok((shared(choices, tokens), PaidAt::Traffic));
        };
        let named = self.hosts(at);
        if named.is_empty() {
            let mut known: Vec<String> =
                self.endpoints.iter().take(LISTED).map(|row| format!("`{}`", row.tag)).collect();
            if self.endpoints.len() > LISTED {
                known.push(format!("and {} more", self.endpoints.len() - LISTED));
            }
            return Err(BillError::UnknownHost { at: at.chars().take(80).collect(), known });
        }
        let priced: Vec<&EndpointCost> = named.iter().copied().filter(|row| row.cost.is_some()).collect();
        if priced.is_empty() {
            let why = named[0].why.clone().unwrap_or_else(|| "its caching is unknown".to_owned());
            return Err(BillError::NoCost { at: named[0].tag.to_string(), why });
        }
        let paid_at = if priced.len() == 1 { PaidAt::Endpoint } else { PaidAt::Provider };
        Ok((shared(priced, tokens), paid_at))
    }

    /// The endpoints with this tag; otherwise those of the provider with this slug or name, case ignored.
    pub fn hosts(&self, at: &str) -> Vec<&EndpointCost> {
        let at = at.trim().to_lowercase();
        let tests: [fn(&EndpointCost) -> &str; 3] =
            [|row| row.tag.as_str(), |row| row.provider.as_str(), |row| row.name.as_str()];
        let with = |of: fn(&EndpointCost) -> &str| -> Vec<&EndpointCost> {
            self.endpoints.iter().filter(|row| of(row).to_lowercase() == at).collect()
        };
        // A bare slug may be the tag of one endpoint of a provider that has others; the tag is what a router is sent.
        tests.into_iter().map(with).find(|found| !found.is_empty()).unwrap_or_default()
    }
}

/// The rows with their shares by traffic; without any traffic, equal shares.
fn shared<'a>(rows: Vec<&'a EndpointCost>, tokens: impl Fn(&EndpointCost) -> f64) -> Vec<Paying<'a>> {
    let total: f64 = rows.iter().map(|row| tokens(row)).sum();
    let equal = 1.0 / rows.len().max(1) as f64;
    let share = |row: &EndpointCost| if total > 0.0 { tokens(row) / total } else { equal };
    rows.into_iter().map(|row| Paying { share: share(row), row }).collect()
}

/// The month at one endpoint; `None` if its cost is unknown.
fn month_at(
    row: &EndpointCost,
    paying: &[Paying<'_>],
    bill: Option<f64>,
    sessions: f64,
) -> Option<EndpointMonth> {
    let usd = sessions * row.cost?;
    // The cost where the bill is paid if this endpoint is at one end of its interval and all others at the other end.
    let against = |own: f64, others: fn(&EndpointCost) -> Option<f64>| -> Option<f64> {
        paying.iter().try_fold(0.0, |sum, one| {
            let is_it = one.row.endpoint_id == row.endpoint_id;
            let cost = if is_it { own } else { others(one.row)? };
            Some(sum + one.share * cost)
        })
    };
    let end = |own: f64, others: fn(&EndpointCost) -> Option<f64>| match bill {
        Some(bill) => against(own, others).filter(|cost| *cost > 0.0).map(|cost| bill * own / cost),
        None => Some(sessions * own),
    };
    let alone = matches!(paying, [one] if one.row.endpoint_id == row.endpoint_id);
    let ends = match (alone, row.low.zip(row.high)) {
        (true, _) => bill.zip(bill),
        (false, ends) => {
            ends.and_then(|(low, high)| end(low, |other| other.high).zip(end(high, |other| other.low)))
        }
    };
    let (low, high) = ends.unzip();
    Some(EndpointMonth {
        endpoint_id: row.endpoint_id,
        tag: row.tag.clone(),
        provider: row.provider.clone(),
        name: row.name.clone(),
        usd: if alone { bill? } else { usd },
        usd_now: row.cost_now.map(|cost| sessions * cost),
        low,
        high,
        change: bill.map(|bill| if alone { 0.0 } else { usd / bill - 1.0 }),
        is_present: bill.is_some() && alone,
    })
}

impl MonthlyCost {
    /// What the month is assumed to consist of, in a sentence; `workload` is the name or title of the workload.
    pub fn assumption(&self, workload: &str, style: &Style) -> String {
        let first = self.at.first().map_or("", Tag::as_str);
        let paid_at = self.paid_at.map(|paid_at| match paid_at {
            PaidAt::Endpoint => Place::Endpoint(first),
            PaidAt::Provider => Place::Provider(first.split('/').next().unwrap_or(first), self.at.len()),
            PaidAt::Traffic => Place::Traffic,
        });
        let paid = self.bill.zip(paid_at);
        MonthOf { paid, sessions: self.sessions, tokens: self.tokens, workload }.in_words(style)
    }

    /// The result at the cheapest endpoint, in a sentence; `None` if no endpoint is priced.
    pub fn conclusion(&self, style: &Style) -> Option<String> {
        let best = self.endpoints.first()?;
        let tag = best.tag.as_str();
        let ends = best.low.zip(best.high);
        Some(match best.is_present {
            true => money::already_cheapest(tag, style),
            false => {
                let usual = money::cheapest(tag, best.usd, ends, best.change, style);
                let now = self.change_now(best).map(|change| money::at_prices_of_now(change, style));
                now.map_or_else(|| usual.clone(), |now| format!("{usual} {now}"))
            }
        })
    }

    /// The difference to the bill at the list prices of now, as a fraction; `None` if both hosts are at their usual
    /// prices, or the bill is not paid at one endpoint.
    fn change_now(&self, best: &EndpointMonth) -> Option<f64> {
        let mut present = self.endpoints.iter().filter(|row| row.is_present);
        let own = present.next().filter(|_| present.next().is_none())?;
        if best.unusual_now().is_none() && own.unusual_now().is_none() {
            return None;
        }
        let (best, own) = best.usd_now.zip(own.usd_now)?;
        (own > 0.0).then(|| best / own - 1.0)
    }
}
