"""The questions of the simulated examination: points, half-said points, denials, wrong statements.

Each point is (what the guide says, what says only half of it, what denies it). A point with a number is
(number and unit in a sentence, the same without the unit, a wrong number).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    text: str
    half: str
    denial: str
    is_number: bool = False


@dataclass(frozen=True)
class Topic:
    """A question. `echo` says it back without answering; `wrong` are false statements on the topic."""

    question: str
    points: tuple[Point, ...]
    echo: str
    wrong: tuple[str, ...]
    in_order: bool = False


def _number(text: str, bare: str, wrong: str) -> Point:
    return Point(text, bare, wrong, is_number=True)


TOPICS: tuple[Topic, ...] = (
    Topic(
        "How does a green plant make its own supply to live on?",
        (
            Point("Leaves absorb energy from light", "Leaves get light", "Leaves do not absorb light"),
            Point(
                "Carbon dioxide enters through tiny pores",
                "Carbon dioxide goes in by pores",
                "Carbon dioxide never enters through pores",
            ),
            Point("Roots absorb water from the soil", "Roots go in the soil", "Roots never absorb water"),
            Point("Oxygen leaves as waste gas", "There is oxygen gas", "Oxygen is not a waste gas"),
        ),
        "A green plant makes its own supply to live on because plants make it on their own",
        ("Green plants eat earthworms at night", "Flowers make plant supplies out of honey"),
    ),
    Topic(
        "Why are places near the coast milder in winter than places far inland?",
        (
            Point("The sea loses heat slowly", "The sea has heat", "The sea does not lose heat slowly"),
            Point(
                "Wind carries warmth onto the shore", "There is wind on the shore", "No wind carries warmth"
            ),
            Point(
                "Bare ground cools quickly after sunset",
                "Bare ground is there after dark",
                "Bare ground never cools quickly",
            ),
        ),
        "Places near the coast are milder in winter than places inland since the coast is near",
        ("The coast is milder because lighthouses warm it", "Inland places lost their clouds to whales"),
    ),
    Topic(
        "A cyclist rides 240 metres in 20 seconds and then brakes. Find the speed and what the brakes do.",
        (
            _number("The speed is 12 m/s", "The speed is 12", "The speed is 15 m/s"),
            Point(
                "Friction turns motion into heat", "There is friction and motion", "Friction never makes heat"
            ),
            _number(
                "Stopping takes another 4 seconds", "Stopping takes another 4", "Stopping takes 9 seconds"
            ),
        ),
        "The cyclist rides and then brakes and you find the speed and what the brakes do",
        ("Brakes add weight to the cyclist", "The cyclist brakes because gravity switches off"),
    ),
    Topic(
        "Describe in order the stages by which rain forms over land.",
        (
            Point("Water evaporates from the warm sea", "Water is in the sea", "Water never evaporates"),
            Point("Moist air rises above hills", "Moist air is above us", "Moist air never rises"),
            Point("Vapour condenses into cloud droplets", "Vapour makes a cloud", "Vapour does not condense"),
            Point("Heavy drops sink towards ground", "Heavy drops exist", "Heavy drops do not sink"),
        ),
        "Rain forms over land in stages and the stages by which it forms are in order",
        ("Thunder squeezes the rain out of trees", "The moon pulls rain over land"),
        in_order=True,
    ),
    Topic(
        "Why did people move to towns during the industrial revolution?",
        (
            Point(
                "Factories paid higher wages", "Factories paid people", "Factories never paid higher wages"
            ),
            Point(
                "Machines replaced labour on farmland",
                "Machines were on farmland",
                "Machines did not replace labour",
            ),
            Point(
                "Railways made travel cheap", "Railways were for travel", "Railways never made travel cheap"
            ),
        ),
        "People did move to towns during the industrial revolution as towns were where people did move",
        ("The towns gave a free horse to all people", "A new king ordered all people into towns"),
    ),
    Topic(
        "Explain what happens when the value of coffee beans is doubled by a bad harvest.",
        (
            Point("Customers buy fewer cups", "Customers want cups", "Customers do not buy fewer cups"),
            Point("Tea becomes a popular substitute", "Tea is popular", "Tea is never a popular substitute"),
            _number("The new price is 8 dollars", "The new price is 8", "The new price is 6 dollars"),
            Point(
                "Growers earn larger profits later",
                "Growers make profits",
                "Growers never earn larger profits",
            ),
        ),
        "When the value of coffee beans is doubled by a bad harvest the coffee beans have doubled value",
        ("Coffee beans turn into gold when value doubled", "Every harvest makes brewing illegal in Europe"),
    ),
    Topic(
        "Describe the steps by which a sandwich is digested, in sequence.",
        (
            Point("Teeth crush food into mush", "Teeth touch food", "Teeth never crush food"),
            Point("Stomach acid kills germs", "The stomach has acid", "Stomach acid does not kill germs"),
            Point(
                "Enzymes split proteins into pieces",
                "Enzymes and proteins are there",
                "Enzymes never split proteins",
            ),
            Point(
                "Blood carries nutrients around",
                "Blood carries something around",
                "Blood never carries nutrients",
            ),
        ),
        "The sandwich is digested by steps in sequence and the steps are how a sandwich is digested",
        ("The lungs chew the sandwich a second time", "A sandwich is digested by sunlight on the skin"),
        in_order=True,
    ),
    Topic(
        "How does an email reach a friend abroad?",
        (
            Point(
                "The message splits into packets",
                "The message splits",
                "The message never splits into packets",
            ),
            Point(
                "Each label shows an address", "There is a label with an address", "No label shows an address"
            ),
            Point("Routers choose the shortest path", "Routers have a path", "Routers never choose a path"),
            Point("Lost parts get sent again", "Some parts get lost", "Lost parts never get sent again"),
        ),
        "An email can reach a friend abroad because the friend abroad is who the email does reach",
        ("Satellites print the email on paper abroad", "Every email is read aloud by the friend's bank"),
    ),
    Topic(
        "Why does warming the beaker speed up the reaction, and by how much here?",
        (
            Point(
                "Particles gain kinetic energy",
                "Particles have energy",
                "Particles never gain kinetic energy",
            ),
            Point(
                "Molecules collide more often",
                "Molecules are there often",
                "Molecules do not collide more often",
            ),
            _number(
                "The rate becomes 6 grams per minute",
                "The rate becomes 6",
                "The rate becomes 2 grams per minute",
            ),
        ),
        "Warming the beaker does speed up the reaction because the reaction speeds up when warming",
        ("The beaker glass joins the reaction", "Warming makes the reaction lose its colour forever"),
    ),
    Topic(
        "How does a river change its valley over time?",
        (
            Point("Rocks scrape and erode the bed", "Rocks lie on the bed", "Rocks never erode the bed"),
            Point(
                "Fast currents carry sand away", "Fast currents have sand", "Fast currents never carry sand"
            ),
            Point("Bends grow wider into meanders", "Bends get into meanders", "Bends never grow wider"),
        ),
        "A river does change its valley over time as time makes the river change the valley",
        ("The river valley is dug by moles", "Over time fish polish the valley to glass"),
    ),
    Topic(
        "Outline in order the stages of baking a loaf.",
        (
            Point("Mix flour with warm liquid", "Mix the flour", "Never mix flour with liquid"),
            Point("Yeast makes gas bubbles", "There is yeast and gas", "Yeast never makes gas bubbles"),
            Point("Knead the dough until smooth", "The dough is smooth", "Do not knead the dough"),
            Point(
                "The oven hardens an outer crust",
                "The oven is for the crust",
                "The oven never hardens the crust",
            ),
        ),
        "Baking a loaf has stages in order and the stages are for baking the loaf",
        ("A loaf must freeze overnight beside copper wire", "Baking a loaf removes all its weight"),
        in_order=True,
    ),
    Topic(
        "What makes a volcano erupt?",
        (
            Point("Magma gathers in a chamber", "Magma has a chamber", "Magma never gathers in a chamber"),
            Point("Trapped gas builds pressure", "There is trapped gas", "Trapped gas never builds pressure"),
            Point(
                "Lava escapes through a crack",
                "There is lava in a crack",
                "Lava never escapes through a crack",
            ),
        ),
        "What makes a volcano erupt is that the volcano does erupt",
        ("A volcano must erupt when it snows", "Lightning opens every volcano"),
    ),
    Topic(
        "A 3 kg parcel is lifted 5 m on a planet where gravity is 10 N/kg. Find the weight and work done.",
        (
            _number("The force needed is 30 N", "The force needed is 30", "The force needed is 3 N"),
            _number(
                "The energy transferred is 150 joules",
                "The energy transferred is 150",
                "The energy transferred is 15 joules",
            ),
            Point(
                "Height stores potential energy",
                "There is energy and height",
                "Height never stores potential energy",
            ),
        ),
        "The parcel is lifted on a planet where gravity is and you find the weight and work done",
        ("The planet pushes the parcel sideways", "Gravity paints the parcel bright purple"),
    ),
    Topic(
        "Why did the peasants rebel against their rulers?",
        (
            Point(
                "Harsh taxes hurt poor families", "There were harsh taxes", "Taxes never hurt poor families"
            ),
            Point("Bread became scarce after storms", "Bread came after storms", "Bread never became scarce"),
            Point(
                "Nobles ignored every petition",
                "Nobles got a petition",
                "Nobles did not ignore every petition",
            ),
            Point(
                "Unpaid soldiers refused orders",
                "There were unpaid soldiers",
                "Unpaid soldiers never refused orders",
            ),
        ),
        "The peasants did rebel against their rulers since rulers were who peasants did rebel against",
        ("The peasants wanted longer winters", "The rulers lived under the peasants' church"),
    ),
)
