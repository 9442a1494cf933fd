//! What comes from channels: answers, notifications, lines of bills, money.

use super::statements::{order_paid, refusal};
use super::{Book, fen};
use calendar::BusinessDate;
use channels::answer::{Answer as Statement, Notification};
use channels::operation::Channel;
use domain::clearing::ConfirmClearing;
use domain::{Answer, BillLine, Command, Fact, Reply, Request, reference_of};
use engine::{Actor, AttemptMode, EffectReport, Task, Verdict};
use jiff::Timestamp;

impl Book {
    pub fn fact(&mut self, fact: Fact) {
        let verdict = self.submit(&Actor::system(), Command::Fact(fact));
        assert!(
            matches!(verdict, Verdict::Done(Reply::Taken)),
            "a fact was not taken: {verdict:?}"
        );
    }

    pub fn notify(&mut self, channel: Channel, answer: Statement) {
        let notification = Notification {
            id: "n".into(),
            answer,
        };
        self.fact(Fact::Notified {
            channel,
            notification,
        });
    }

    pub fn report(&mut self, effect: &str, report: EffectReport<Answer>) {
        self.report_in(effect, AttemptMode::Send, report);
    }

    pub fn report_in(&mut self, effect: &str, mode: AttemptMode, report: EffectReport<Answer>) {
        self.report_of(effect, mode, self.now, report);
    }

    /// A report of an attempt that was begun earlier.
    pub fn report_of(
        &mut self,
        effect: &str,
        mode: AttemptMode,
        begun_at: Timestamp,
        report: EffectReport<Answer>,
    ) {
        let verdict = self.run(Task::Effect {
            id: effect.into(),
            mode,
            begun_at,
            report,
        });
        assert!(
            matches!(verdict, Verdict::Noted),
            "a report was not taken: {verdict:?}"
        );
    }

    /// Answers the newest open effect about an object with a statement of the channel.
    pub fn answer(&mut self, id: &str, statement: Statement) {
        self.answer_with(id, Answer::Channel(statement));
    }

    pub fn answer_with(&mut self, id: &str, answer: Answer) {
        let (effect, _) = self.effect_about(id);
        self.report(&effect.id, EffectReport::Answered { answer });
    }

    pub fn unknown(&mut self, id: &str) {
        let (effect, _) = self.effect_about(id);
        let reason = "time-out".into();
        self.report(&effect.id, EffectReport::Unknown { reason });
    }

    /// The channel declines a refund or payout, and says at once and after the arrival bound that it has none.
    pub fn decline(&mut self, id: &str) {
        self.answer_with(id, Answer::Refused(refusal()));
        self.answer_with(id, Answer::Absent);
        self.answer_with(id, Answer::Absent);
    }

    pub fn register(&mut self, payment: &str) {
        let code_url = "weixin://wxpay/bizpayurl?pr=x".into();
        self.answer(payment, Statement::OrderCreated { code_url });
    }

    /// The channel notifies that the order was paid.
    pub fn pay(&mut self, payment: &str, amount: i64) {
        let statement = order_paid(payment, &format!("wx-{payment}"), amount, self.now);
        self.notify(Channel::Wechat, statement);
    }

    /// A line of the bill says that an order was paid.
    pub fn bill_payment(
        &mut self,
        payment: &str,
        channel_number: &str,
        amount: i64,
        paid_at: Timestamp,
    ) {
        let line = BillLine::Payment {
            order: reference_of(payment),
            channel_number: channel_number.into(),
            amount: fen(amount),
            paid_at,
        };
        self.fact(Fact::BillLine {
            channel: Channel::Wechat,
            line,
        });
    }

    /// A line of the bill says that a payout was paid.
    pub fn bill_payout(&mut self, payout: &str, channel_number: &str, amount: i64) {
        let line = BillLine::Payout {
            payout: reference_of(payout),
            channel_number: channel_number.into(),
            amount: fen(amount),
            settle_date: None,
        };
        self.fact(Fact::BillLine {
            channel: Channel::Unionpay,
            line,
        });
    }

    /// A channel pays over: the reserve has so much more, and who waits for it is looked at.
    pub fn receive(&mut self, amount: i64) {
        self.pays_over(amount);
        self.release_payouts();
    }

    /// A channel pays over: the reserve has so much more.
    pub fn pays_over(&mut self, amount: i64) {
        self.receipts += 1;
        let command = ConfirmClearing {
            channel: Channel::Wechat,
            clearing_date: "2020-01-01"
                .parse::<BusinessDate>()
                .unwrap()
                .plus_days(self.receipts),
            gross: fen(amount),
            refunds: fen(0),
            channel_fee: fen(0),
            unsettled: None,
            bill_hash: "0123456789abcdef0123456789abcdef".into(),
        };
        self.ask(&Actor::system(), Request::ConfirmClearing(command))
            .unwrap();
    }
}
