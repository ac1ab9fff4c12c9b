"""Letter to sound: pronunciations of words that no lexicon has, learnt from those that one has.

To learn about it, read in this order:

graphones       the pieces that pronounced words are made of
alignment       which letters stand for which phones
training        from a lexicon to a model: graphones are the words of an n-gram model
search          the most probable phones for the letters of a word
model           what one uses: guesses, with probabilities
storage         the model as a small file
"""
