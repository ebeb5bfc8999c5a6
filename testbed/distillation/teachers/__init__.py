"""Teachers: SB3 policies made by demonstration, by reward, or by fine-tuning; and what their decisions are worth."""
