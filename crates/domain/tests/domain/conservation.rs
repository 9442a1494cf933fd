//! Whatever happens in whatever order, no fen is created or lost, and records and accounts agree.

use crate::support::*;
use calendar::SettlementCycle;
use channels::answer::{Answer as Statement, OrderState, RefundState};
use channels::operation::Channel;
use domain::Answer;
use domain::merchant::{LateSuccess, Merchant, MerchantStatus};
use domain::payment::{ChannelTrade, Payment, PaymentStatus};
use domain::payout::{Payout, PayoutStatus};
use domain::refund::{Refund, RefundStatus};
use domain::reserve::Reserve;
use domain::settlement::{Bucket, Settlement};
use domain::split::{Receiver, ReceiverKind, Share, Split, SplitPlan};
use engine::{EffectReport, TimerRecord};
use money::Rate;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Order {
        merchant: usize,
        amount: i64,
        split: bool,
    },
    Register {
        payment: usize,
    },
    Pay {
        payment: usize,
        difference: i64,
        trade: usize,
    },
    AskToClose {
        payment: usize,
    },
    ChannelClosed {
        payment: usize,
    },
    SplitLater {
        payment: usize,
        share: u32,
    },
    Refund {
        payment: usize,
        thousandths: i64,
    },
    RefundNews {
        refund: usize,
        news: usize,
    },
    Payout {
        merchant: usize,
        thousandths: i64,
    },
    PayoutNews {
        payout: usize,
        news: usize,
    },
    TurnDay,
    Receive {
        amount: i64,
    },
    Suspend {
        merchant: usize,
        suspended: bool,
    },
    Wait {
        seconds: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let index = 0usize..1_000;
    prop_oneof![
        5 => (0usize..3, 1i64..30_000, any::<bool>())
            .prop_map(|(merchant, amount, split)| Step::Order { merchant, amount, split }),
        2 => index.clone().prop_map(|payment| Step::Register { payment }),
        8 => (index.clone(), prop_oneof![6 => Just(0i64), 1 => -50i64..50], 0usize..8)
            .prop_map(|(payment, difference, trade)| Step::Pay { payment, difference, trade: trade / 7 }),
        1 => index.clone().prop_map(|payment| Step::AskToClose { payment }),
        2 => index.clone().prop_map(|payment| Step::ChannelClosed { payment }),
        2 => (index.clone(), 1u32..500_000).prop_map(|(payment, share)| Step::SplitLater { payment, share }),
        5 => (index.clone(), prop_oneof![1i64..1_100, Just(1_000i64)])
            .prop_map(|(payment, thousandths)| Step::Refund { payment, thousandths }),
        6 => (index.clone(), 0usize..7).prop_map(|(refund, news)| Step::RefundNews { refund, news }),
        2 => (0usize..3, 1i64..1_100).prop_map(|(merchant, thousandths)| Step::Payout { merchant, thousandths }),
        5 => (index, 0usize..7).prop_map(|(payout, news)| Step::PayoutNews { payout, news }),
        2 => Just(Step::TurnDay),
        2 => (1i64..40_000).prop_map(|amount| Step::Receive { amount }),
        1 => (0usize..3, any::<bool>()).prop_map(|(merchant, suspended)| Step::Suspend { merchant, suspended }),
        1 => (1i64..9_000).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

struct World {
    book: Book,
    merchants: Vec<String>,
    payments: Vec<String>,
    counter: u32,
}

impl World {
    fn new() -> World {
        let mut book = Book::new();
        let mut merchants = Vec::new();
        for number in 0..3 {
            let mut terms = merchant_terms(&format!("m{number}"));
            terms.refund_returns_fee = number != 1;
            terms.automatic_payout = number != 2;
            terms.late_success = if number == 0 {
                LateSuccess::Refund
            } else {
                LateSuccess::Book
            };
            terms.settlement_cycle = if number == 1 {
                SettlementCycle::CalendarDays(1)
            } else {
                SettlementCycle::BusinessDays(1)
            };
            merchants.push(book.open_merchant_with(terms));
        }
        World {
            book,
            merchants,
            payments: Vec::new(),
            counter: 0,
        }
    }

    fn number(&mut self) -> String {
        self.counter += 1;
        format!("n{}", self.counter)
    }

    fn payment(&self, index: usize) -> Option<String> {
        (!self.payments.is_empty()).then(|| self.payments[index % self.payments.len()].clone())
    }

    fn plan(&self, merchant: usize, share: Share) -> SplitPlan {
        let receiver = self.merchants[(merchant + 1) % 3].clone();
        let other = self.merchants[(merchant + 2) % 3].clone();
        let receivers = vec![
            Receiver {
                merchant: receiver,
                kind: ReceiverKind::Seller,
                share,
            },
            Receiver {
                merchant: other,
                kind: ReceiverKind::Agent,
                share: Share::Fixed(fen(1)),
            },
        ];
        SplitPlan { receivers }
    }

    /// Refusals are part of the game; what may not happen is a broken command, which panics inside.
    fn play(&mut self, step: &Step) {
        match step {
            Step::Order {
                merchant,
                amount,
                split,
            } => self.order(*merchant, *amount, *split),
            Step::Register { payment } => {
                let Some(id) = self.payment(*payment) else {
                    return;
                };
                // In whatever state: the channel's answer may be late, or come a second time.
                let effect = self.book.payment(&id).effect;
                let code_url = "weixin://wxpay/bizpayurl?pr=x".into();
                let answer = Answer::Channel(Statement::OrderCreated { code_url });
                self.report(&effect, EffectReport::Answered { answer });
            }
            Step::Pay {
                payment,
                difference,
                trade,
            } => {
                let Some(id) = self.payment(*payment) else {
                    return;
                };
                let amount = (self.book.payment(&id).amount.amount() + difference).max(1);
                let paid = order_paid(&id, &format!("wx-{id}-{trade}"), amount, self.book.now());
                self.book.notify(Channel::Wechat, paid);
            }
            Step::AskToClose { payment } => {
                let Some(id) = self.payment(*payment) else {
                    return;
                };
                let merchant = self.book.payment(&id).merchant;
                let _ = self.book.close_order(&merchant, &id);
            }
            Step::ChannelClosed { payment } => {
                let Some(id) = self.payment(*payment) else {
                    return;
                };
                self.book
                    .notify(Channel::Wechat, order_is(&id, OrderState::Closed));
            }
            Step::SplitLater { payment, share } => self.split_later(*payment, *share),
            Step::Refund {
                payment,
                thousandths,
            } => {
                let Some(id) = self.payment(*payment) else {
                    return;
                };
                let amount = (self.book.payment(&id).amount.amount() * thousandths / 1_000).max(1);
                let number = self.number();
                let _ = self.book.refund_request(&id, &number, amount);
            }
            Step::RefundNews { refund, news } => self.refund_news(*refund, *news),
            Step::Payout {
                merchant,
                thousandths,
            } => self.payout(*merchant, *thousandths),
            Step::PayoutNews { payout, news } => self.payout_news(*payout, *news),
            Step::TurnDay => self.book.turn_day(),
            Step::Receive { amount } => self.book.receive(*amount),
            Step::Suspend {
                merchant,
                suspended,
            } => {
                let status = if *suspended {
                    MerchantStatus::Suspended
                } else {
                    MerchantStatus::Active
                };
                let merchant = self.merchants[*merchant].clone();
                self.book.set_status(&merchant, status).unwrap();
            }
            Step::Wait { seconds } => {
                self.book.pass(*seconds);
                self.book.fire_timers();
            }
        }
    }

    fn order(&mut self, merchant: usize, amount: i64, split: bool) {
        let number = self.number();
        let id = self.merchants[merchant].clone();
        let mut command = order(&id, &number, amount);
        let share = Share::Proportion(Rate::from_ppm(123_457).unwrap());
        command.split_plan = split.then(|| self.plan(merchant, share));
        if let Ok((payment, _)) = self.book.create_payment(command) {
            self.payments.push(payment.id);
        }
    }

    fn split_later(&mut self, payment: usize, share: u32) {
        let Some(id) = self.payment(payment) else {
            return;
        };
        let merchant = self.book.payment(&id).merchant;
        let position = self
            .merchants
            .iter()
            .position(|known| *known == merchant)
            .unwrap();
        let plan = self.plan(position, Share::Proportion(Rate::from_ppm(share).unwrap()));
        let _ = self.book.split_later(&id, plan);
    }

    fn refund_news(&mut self, refund: usize, news: usize) {
        let refunds: Vec<Refund> = self.book.all();
        let Some(refund) = (!refunds.is_empty()).then(|| refunds[refund % refunds.len()].clone())
        else {
            return;
        };
        let id = refund.id.clone();
        let amount = refund.amount.amount();
        let now = self.book.now();
        match news {
            0..=1 => self
                .book
                .notify(Channel::Wechat, refund_done(&id, amount, now)),
            2 => self
                .book
                .notify(Channel::Wechat, refund_is(&id, RefundState::Closed)),
            3 => self
                .book
                .notify(Channel::Wechat, refund_is(&id, RefundState::Abnormal)),
            4 => self.report(
                &refund.effect,
                EffectReport::Unknown {
                    reason: "time-out".into(),
                },
            ),
            5 => self.report(
                &refund.effect,
                EffectReport::Answered {
                    answer: Answer::Refused(refusal()),
                },
            ),
            _ if refund.status == RefundStatus::Declined => {
                self.book.answer_with(&id, Answer::Absent)
            }
            _ => self
                .book
                .notify(Channel::Wechat, refund_done(&id, amount + 7, now)),
        }
    }

    fn payout(&mut self, merchant: usize, thousandths: i64) {
        let id = self.merchants[merchant].clone();
        let amount = (self.book.payable(&id) * thousandths / 1_000).max(1);
        let number = self.number();
        let _ = self.book.payout_request(&id, &number, amount);
    }

    fn payout_news(&mut self, payout: usize, news: usize) {
        let payouts: Vec<Payout> = self.book.all();
        let Some(payout) = (!payouts.is_empty()).then(|| payouts[payout % payouts.len()].clone())
        else {
            return;
        };
        let id = payout.id.clone();
        let amount = payout.amount.amount();
        // One that waits for the reserve has not been sent: nobody has news of it.
        let Some(effect) = payout.effect else {
            return;
        };
        match news {
            0..=1 => self
                .book
                .notify(Channel::Unionpay, payout_done(&id, amount)),
            2 => {
                let failed = payout_failed(&id);
                self.book.notify(Channel::Unionpay, failed);
            }
            3 => self.report(
                &effect,
                EffectReport::Unknown {
                    reason: "time-out".into(),
                },
            ),
            4 => self.report(&effect, EffectReport::NotFound),
            5 => self.report(
                &effect,
                EffectReport::Answered {
                    answer: Answer::Refused(refusal()),
                },
            ),
            _ if payout.status == PayoutStatus::Declined => {
                self.book.answer_with(&id, Answer::Absent)
            }
            _ => self.report(&effect, EffectReport::Pending),
        }
    }

    fn report(&mut self, effect: &str, report: EffectReport<Answer>) {
        self.book.report(effect, report);
    }

    fn check(&mut self) {
        assert_eq!(self.book.trial_balance(), 0);
        for id in self.merchants.clone() {
            self.check_merchant(&id);
        }
        self.check_payments();
        self.check_internal_accounts();
    }

    fn check_merchant(&mut self, id: &str) {
        let accounts = self.book.record::<Merchant>(id).unwrap().accounts;
        let payouts: Vec<Payout> = self
            .book
            .all::<Payout>()
            .into_iter()
            .filter(|p| p.merchant == id)
            .collect();
        let refunds: Vec<Refund> = self
            .book
            .all::<Refund>()
            .into_iter()
            .filter(|r| r.merchant == id)
            .collect();
        let buckets: Vec<Bucket> = self
            .book
            .all::<Bucket>()
            .into_iter()
            .filter(|b| b.merchant == id)
            .collect();
        let settlements: Vec<Settlement> = self.book.all();
        let settlements = settlements.into_iter().filter(|s| s.merchant == id);
        let open_payouts: i64 = payouts
            .iter()
            .filter(|p| p.status.is_open())
            .map(|p| p.amount.amount())
            .sum();
        let open_refunds: i64 = refunds
            .iter()
            .filter(|r| r.status.is_open())
            .map(|r| r.amount.amount())
            .sum();
        assert_eq!(self.book.balance(accounts.payout_in_transit), open_payouts);
        assert_eq!(self.book.balance(accounts.refund_in_transit), open_refunds);
        assert_eq!(self.book.balance(accounts.escrow), 0);
        for bucket in &buckets {
            let items: i64 = bucket.items.values().map(|amount| amount.amount()).sum();
            assert_eq!(items, bucket.net.amount(), "{}", bucket.key);
        }
        let open: i64 = buckets
            .iter()
            .filter(|b| b.settlement.is_none())
            .map(|b| b.net.amount())
            .sum();
        let settled: i64 = settlements.map(|s| s.net.amount()).sum();
        let gone = |status| !matches!(status, PayoutStatus::Failed | PayoutStatus::Returned);
        let paid_out: i64 = payouts
            .iter()
            .filter(|p| gone(p.status))
            .map(|p| p.amount.amount())
            .sum();
        assert_eq!(
            self.book.balance(accounts.payable),
            open + settled - paid_out,
            "payable of {id}"
        );
    }

    fn check_payments(&mut self) {
        let refunds: Vec<Refund> = self.book.all();
        for payment in self.book.all::<Payment>() {
            let of_it = refunds
                .iter()
                .filter(|r| r.payment == payment.id && r.status != RefundStatus::Closed);
            let refunded: i64 = of_it.clone().map(|r| r.amount.amount()).sum();
            let fee_returned: i64 = of_it.map(|r| r.fee_returned.amount()).sum();
            assert_eq!(payment.refunded.amount(), refunded);
            assert_eq!(payment.fee_returned.amount(), fee_returned);
            assert!(fee_returned <= payment.fee.amount());
            // Whoever still may pay is asked about until the channel has said how it ended.
            let timer = format!("payment/{}", payment.id);
            let asked_about = self.book.record::<TimerRecord>(&timer).is_some();
            assert_eq!(asked_about, payment.status.is_open(), "{}", payment.id);
            let Some(paid) = &payment.paid else {
                assert!(refunded == 0 && payment.fee.is_zero() && payment.split.is_none());
                continue;
            };
            let paid = paid.amount.amount().min(payment.amount.amount());
            assert!(refunded <= paid);
            let all_back = refunded == paid;
            let returns_fee = self.book.merchant(&payment.merchant).refund_returns_fee;
            if all_back && returns_fee {
                assert_eq!(fee_returned, payment.fee.amount(), "{}", payment.id);
            }
            let Some(split) = &payment.split else {
                continue;
            };
            let split: Split = self.book.record(split).unwrap();
            let left: i64 = split
                .parts
                .iter()
                .map(|part| part.amount.amount() - part.returned.amount())
                .sum();
            assert!(
                split
                    .parts
                    .iter()
                    .all(|part| part.returned.amount() <= part.amount.amount())
            );
            assert!(
                left <= paid - refunded,
                "receivers have more than is left of {}",
                payment.id
            );
            if all_back {
                assert_eq!(left, 0, "{}", payment.id);
            }
        }
    }

    fn check_internal_accounts(&mut self) {
        let chart = self.book.chart();
        let payments: Vec<Payment> = self.book.all();
        let fees: i64 = payments
            .iter()
            .map(|p| p.fee.amount() - p.fee_returned.amount())
            .sum();
        assert_eq!(self.book.balance(chart.fee_income), fees);
        let trades: i64 = self
            .book
            .all::<ChannelTrade>()
            .iter()
            .map(|trade| trade.amount.amount())
            .sum();
        let suspense: Vec<ChannelTrade> = self.book.all();
        let suspense: i64 = suspense
            .iter()
            .filter(|t| t.in_suspense)
            .map(|t| t.amount.amount())
            .sum();
        assert_eq!(self.book.balance(chart.suspense), suspense);
        // What the channel took and gave back explains the receivable, but for surplus refunds, which
        // are all in differences; differences also hold the overpayments.
        let refunds: Vec<Refund> = self.book.all();
        let done = |refund: &&Refund| refund.status == RefundStatus::Succeeded;
        let refunded: i64 = refunds.iter().filter(done).map(|r| r.amount.amount()).sum();
        let over: i64 = payments
            .iter()
            .filter(|p| p.status == PaymentStatus::Succeeded)
            .map(overpaid)
            .sum();
        let payouts: Vec<Payout> = self.book.all();
        let paid_out = |p: &&Payout| p.status == PayoutStatus::Succeeded;
        let paid_out: i64 = payouts
            .iter()
            .filter(paid_out)
            .map(|p| p.amount.amount())
            .sum();
        let receivable = self.book.balance(chart.wechat.receivable);
        let reserve = self.book.balance(chart.reserve);
        let lost = over - self.book.balance(chart.differences);
        assert_eq!(receivable + reserve, trades - refunded - paid_out - lost);
        self.check_reserve(reserve);
        assert!(lost >= 0);
    }

    /// What is sent is covered, and who waits is not passed by.
    fn check_reserve(&mut self, balance: i64) {
        // A payout that failed leaves its part to who waits, in a command of its own.
        self.book.release_payouts();
        let mut open: Vec<Payout> = self.book.all();
        open.retain(|payout| payout.status.is_open());
        open.sort_by_key(|payout| (payout.created_at, payout.id.clone()));
        let waits = |payout: &&Payout| payout.status == PayoutStatus::WaitingForReserve;
        let waiting: Vec<&Payout> = open.iter().filter(waits).collect();
        let sent: i64 = open
            .iter()
            .filter(|payout| payout.reserved)
            .map(|payout| payout.amount.amount())
            .sum();
        let reserve = self.book.record::<Reserve>(Reserve::KEY);
        let known = reserve.map_or((0, 0, 0), |reserve| {
            (
                reserve.committed.amount(),
                reserve.waiting,
                reserve.waiting_amount.amount(),
            )
        });
        let sum: i64 = waiting.iter().map(|payout| payout.amount.amount()).sum();
        assert_eq!(known, (sent, waiting.len() as u64, sum));
        if let Some(first) = waiting.first() {
            let lost = self.book.balance(self.book.chart().differences).min(0);
            assert!(
                first.amount.amount() > balance - sent || lost < 0,
                "{first:?} waits for nothing"
            );
        }
    }
}

fn overpaid(payment: &Payment) -> i64 {
    let paid = payment.paid.as_ref().map_or(0, |paid| paid.amount.amount());
    (paid - payment.amount.amount()).max(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn records_and_accounts_agree_after_every_step(steps in prop::collection::vec(step(), 20..90)) {
        let mut world = World::new();
        for step in &steps {
            world.play(step);
            world.check();
        }
    }
}

/// Found by the property above, when its channel answered whatever was asked about an order with its code.
#[test]
fn an_order_that_is_being_closed_is_registered_late_and_again() {
    let order = Step::Order {
        merchant: 0,
        amount: 100,
        split: false,
    };
    let registered = Step::Register { payment: 0 };
    let close = Step::AskToClose { payment: 0 };
    let late = [&registered; 3];
    let mut world = World::new();
    for step in [&order, &close].into_iter().chain(late) {
        world.play(step);
        world.check();
    }
    let payment = world.book.payment(&world.payments[0]);
    assert_eq!(payment.status, PaymentStatus::Created);
    assert_eq!(payment.code_url, None, "nobody is shown a code now");
    world.play(&Step::ChannelClosed { payment: 0 });
    world.play(&registered);
    world.check();
    let payment = world.book.payment(&world.payments[0]);
    assert_eq!(payment.status, PaymentStatus::Closed);
}
