//! Bills that the sandbox does not write: fees of fractions of a fen, coupons, times of other days.

const HEADER: &str = "交易时间,商户号,微信订单号,商户订单号,交易状态,货币种类,应结订单金额,微信退款单号,商户退款单号,退款金额,退款状态,手续费,费率,订单金额,申请退款金额";
const SUMMARY: &str = "总交易单数,应结订单总金额,退款总金额,手续费总金额,订单总金额,申请退款总金额";

/// A line; amounts in fen, the fee in units of 0.00001 yuan.
#[derive(Clone)]
pub struct Line {
    pub at: &'static str,
    /// Our order number at the channel.
    pub order: String,
    /// The channel's number of the payment, where it is not the one that paid the order.
    pub trade: Option<&'static str>,
    /// Our number at the channel and the bill's word for its state.
    pub refund: Option<(String, &'static str)>,
    /// What the order or refund is about.
    pub about: i64,
    /// What is settled or deducted for it.
    pub moved: i64,
    pub fee_e5: i64,
}

impl Line {
    pub fn payment(at: &'static str, payment: &str, about: i64) -> Line {
        Line {
            at,
            order: payment.strip_prefix("pay_").unwrap().to_owned(),
            trade: None,
            refund: None,
            about,
            moved: about,
            fee_e5: 0,
        }
    }

    pub fn refund(at: &'static str, refund: &str, about: i64) -> Line {
        let number = refund.strip_prefix("ref_").unwrap().to_owned();
        Line {
            at,
            order: "0000".to_owned(),
            trade: None,
            refund: Some((number, "SUCCESS")),
            about,
            moved: about,
            fee_e5: 0,
        }
    }
}

/// The bill of these lines. `channel_number` names the channel's number of an order.
pub fn bill(merchant: &str, lines: &[Line], channel_number: impl Fn(&str) -> String) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    let mut sums = [0i64; 5];
    for line in lines {
        let (settled, deducted, about, requested) = match line.refund {
            None => (line.moved, 0, line.about, 0),
            Some(_) => (0, line.moved, 0, line.about),
        };
        let amounts = [
            settled * 1_000,
            deducted * 1_000,
            line.fee_e5,
            about * 1_000,
            requested * 1_000,
        ];
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum += amount;
        }
        let (state, id, number, word) = match &line.refund {
            None => ("SUCCESS", "0".to_owned(), "0", ""),
            Some((number, word)) => ("REFUND", format!("503{number}"), number.as_str(), *word),
        };
        let [settled, deducted, fee, about, requested] = amounts.map(yuan);
        text += &format!(
            "`{},`{merchant},`{},`{},`{state},`CNY,`{settled},`{id},`{number},`{deducted},`{word},`{fee},`0.60%,`{about},`{requested}\n",
            line.at,
            line.trade
                .map_or_else(|| channel_number(&line.order), str::to_owned),
            line.order,
        );
    }
    let sums: Vec<String> = sums.map(yuan).to_vec();
    text += &format!("{SUMMARY}\n`{},`{}\n", lines.len(), sums.join(",`"));
    text.into_bytes()
}

fn yuan(e5: i64) -> String {
    let sign = if e5 < 0 { "-" } else { "" };
    let size = e5.unsigned_abs();
    format!("{sign}{}.{:05}", size / 100_000, size % 100_000)
}
